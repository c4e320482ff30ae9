/** What is under way, what waits, and what was refused. */
import type { JSX } from 'preact';
import type { Sample, UpstreamSample } from '@watchword/dashboard';
import { bytes, count, countOf, latency, text } from '../format.ts';
import { Pair } from './keys.tsx';

/** What to show. */
export interface WorkProps {
  readonly sample: Sample;
  readonly verifySeconds: number | undefined;
}

/** Queues, memory and refusals. */
export function Work({ sample, verifySeconds }: WorkProps): JSX.Element {
  const { queue, upstreams, cache } = sample;
  return (
    <>
      <section aria-labelledby="work">
        <h2 id="work">Work and queues</h2>
        <dl class="pairs">
          <Pair name="Requests running">{count(queue.running)}</Pair>
          <Pair name="Signature checks waiting" bad={queue.checksShed > 0}>
            {`${count(queue.checksWaiting)}${queue.checksShed > 0 ? `, ${count(queue.checksShed)} turned away so far` : ''}`}
          </Pair>
          {upstreams.map((upstream) => (
            <Pair key={upstream.name} name={`Upstream ${upstream.name}`} bad={upstream.targets.some(isBad)}>
              {describeUpstream(upstream)}
            </Pair>
          ))}
          <Pair name="A verification takes">{text(latency(verifySeconds))}</Pair>
          <Pair name="Cache">
            {cache === undefined
              ? 'none'
              : `${countOf(cache.entries, 'verdict')}, ${text(bytes(cache.bytes))}${cache.evictions > 0 ? `, ${count(cache.evictions)} evicted` : ''}`}
          </Pair>
        </dl>
      </section>
      <Refusals refusals={sample.refusals} />
    </>
  );
}

function isBad({ healthy, ejected }: UpstreamSample['targets'][number]): boolean {
  return !healthy || ejected;
}

function describeUpstream({ targets, waiting }: UpstreamSample): string {
  const good = targets.filter((target) => !isBad(target)).length;
  const failures = targets.reduce((sum, target) => sum + target.failures, 0);
  const health = targets.length === 1 ? (good === 1 ? 'healthy' : 'left alone') : `${good} of ${targets.length} healthy`;
  return `${health}, ${count(waiting)} waiting${failures > 0 ? `, ${count(failures)} failures` : ''}`;
}

function Refusals({ refusals }: { readonly refusals: Sample['refusals'] }): JSX.Element {
  const rows = Object.entries(refusals).sort(([, left], [, right]) => right - left);
  return (
    <section aria-labelledby="refusals">
      <h2 id="refusals">Refused since the start</h2>
      {rows.length === 0 ? (
        <p class="soft">Nothing yet.</p>
      ) : (
        <dl class="pairs">
          {rows.slice(0, 8).map(([code, value]) => (
            <Pair key={code} name={code}>
              {count(value)}
            </Pair>
          ))}
        </dl>
      )}
    </section>
  );
}
