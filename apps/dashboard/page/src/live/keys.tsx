/** Keys and revocations: what trust rests on, and how fresh it is. */
import type { JSX } from 'preact';
import type { Sample } from '@watchword/dashboard';
import { UNKNOWN, count, duration } from '../format.ts';

/** Both tables. */
export function Keys({ sample }: { readonly sample: Sample }): JSX.Element {
  return (
    <>
      <section aria-labelledby="keys">
        <h2 id="keys">Keys</h2>
        <dl class="pairs">
          {sample.issuers.map(({ issuer, keys, retained, ageSeconds, failures }) => (
            <Pair key={issuer} name={issuer} bad={ageSeconds === undefined}>
              {ageSeconds === undefined
                ? 'never fetched'
                : [
                    `${count(keys)} ${keys === 1 ? 'key' : 'keys'}, fetched ${duration(ageSeconds)} ago`,
                    retained > 0 ? `${count(retained)} retained` : '',
                    failures > 0 ? `${count(failures)} failed fetches` : '',
                  ]
                    .filter(Boolean)
                    .join(', ')}
            </Pair>
          ))}
          {sample.issuers.length === 0 && <Pair name="Issuers">keys from files</Pair>}
          <SigningKeys sample={sample} />
        </dl>
      </section>
      <Revocation sample={sample} />
    </>
  );
}

function SigningKeys({ sample: { signingKeys, publishedKeys } }: { readonly sample: Sample }): JSX.Element {
  const published = publishedKeys.map(({ kid, algorithm }) => `${algorithm} ${shorten(kid)}`).join(', ');
  return (
    <>
      <Pair name="Published for services">{published === '' ? 'none' : published}</Pair>
      <Pair name="Signs since">{signingKeys === undefined ? 'one key, does not rotate' : duration(signingKeys.ageSeconds)}</Pair>
      {signingKeys !== undefined && (
        <Pair name="Next rotation" bad={(signingKeys.nextRotationSeconds ?? 0) < 0}>
          {(signingKeys.nextRotationSeconds ?? 0) < 0
            ? `late by ${duration(-signingKeys.nextRotationSeconds!)}`
            : `in ${duration(signingKeys.nextRotationSeconds)}`}
        </Pair>
      )}
      {signingKeys?.storeReachable === false && (
        <Pair name="Key store" bad>
          not reachable
        </Pair>
      )}
    </>
  );
}

function Revocation({ sample: { revocation } }: { readonly sample: Sample }): JSX.Element {
  return (
    <section aria-labelledby="revocations">
      <h2 id="revocations">Revocations</h2>
      {revocation === undefined ? (
        <p class="soft">This gateway has no revocation log. Tokens end when they expire.</p>
      ) : (
        <dl class="pairs">
          <Pair name="Known here">{count(revocation.entries)}</Pair>
          <Pair name="Complete as of" bad={revocation.lagSeconds === undefined || revocation.lagSeconds > LATE_SECONDS}>
            {revocation.lagSeconds === undefined ? 'never' : `${revocation.lagSeconds.toFixed(1)} s ago`}
          </Pair>
          <Pair name="Not yet in the log" bad={revocation.owed > 0}>
            {count(revocation.owed)}
          </Pair>
          <Pair name="Failures of the log" bad={revocation.failures > 0}>
            {count(revocation.failures)}
          </Pair>
        </dl>
      )}
    </section>
  );
}

const LATE_SECONDS = 30;

/** One line of such a table. */
export function Pair(props: { readonly name: string; readonly bad?: boolean; readonly children: string }): JSX.Element {
  return (
    <div class={props.bad ? 'is-bad' : ''}>
      <dt>{props.name}</dt>
      <dd>
        {props.bad && <span aria-label="Attention: ">▲ </span>}
        {props.children === '' ? UNKNOWN : props.children}
      </dd>
    </div>
  );
}

function shorten(kid: string): string {
  return kid.length > 12 ? `${kid.slice(0, 8)}…` : kid;
}
