/** Where the bytes of a token are, and which of them have to travel. The token stays in the memory of this page. */
import { type MappingAdvice, type TokenAnatomy, TokenUnreadable, adviseMapping, dissectToken } from '@watchword/planner';
import type { JSX } from 'preact';
import { useMemo, useState } from 'preact/hooks';
import { Figure } from '../figure.tsx';
import { bytes, count, percent, text } from '../format.ts';
import { ClaimTable } from './claim-table.tsx';
import { exampleToken } from './example-token.ts';

/** How the Txn-Token is assumed to be made: the defaults of a gateway, with the key id a thumbprint (RFC 7638). */
const MINTED = {
  trustDomain: 'example.internal',
  requestingWorkload: 'gateway',
  algorithm: 'ES256',
  keyIdLength: 43,
  mapping: {},
};

/** The view. */
export function InspectView(): JSX.Element {
  const [token, setToken] = useState('');
  const [read, setRead] = useState<ReadonlySet<string>>(new Set());
  const result = useMemo(() => dissect(token), [token]);
  const take = (value: string): void => {
    setToken(value);
    setRead(new Set());
  };
  const toggle = (name: string): void => {
    const next = new Set(read);
    if (!next.delete(name)) next.add(name);
    setRead(next);
  };
  return (
    <>
      <h1 class="title">Token inspector</h1>
      <p class="lead">
        Where the bytes of a token are, and what could stay at the edge. The token never leaves this page: the browser itself
        forbids it to send anything, and nothing is stored or verified.
      </p>
      <div class="paste">
        <label for="token">Token (JWT)</label>
        <textarea
          id="token"
          rows={5}
          value={token}
          onInput={(event) => take(event.currentTarget.value)}
          placeholder="eyJ…"
          autocomplete="off"
          autocapitalize="off"
          spellcheck={false}
          aria-describedby="token-problem"
        />
        <p id="token-problem" class="problem" role="status">
          {typeof result === 'string' ? `▲ ${result}` : '\u00a0'}
        </p>
        <p class="actions">
          <button type="button" onClick={() => take(exampleToken())}>
            Show an example
          </button>
          <button type="button" onClick={() => take('')} disabled={token === ''}>
            Clear
          </button>
        </p>
      </div>
      {typeof result === 'object' && <Findings anatomy={result} read={read} toggle={toggle} />}
    </>
  );
}

interface FindingsProps {
  readonly anatomy: TokenAnatomy;
  readonly read: ReadonlySet<string>;
  readonly toggle: (name: string) => void;
}

function Findings({ anatomy, read, toggle }: FindingsProps): JSX.Element {
  const advice = adviseMapping(anatomy, Object.fromEntries([...read].map((name) => [name, 1])), MINTED);
  return (
    <>
      <Sizes anatomy={anatomy} advice={advice} />
      <Parts anatomy={anatomy} />
      <ClaimTable claims={advice.claims} total={anatomy.bytes} read={read} toggle={toggle} />
      <p class="soft">
        The size of the Txn-Token is that of a gateway with its defaults: {MINTED.algorithm}, the claims of its own, and those
        that you ticked. <code>watchword inspect --reads</code> ticks what services were seen to read.
      </p>
    </>
  );
}

function Sizes({ anatomy, advice }: { readonly anatomy: TokenAnatomy; readonly advice: MappingAdvice }): JSX.Element {
  const inside = advice.txnToken!.leastBytes;
  const saved = anatomy.bytes - inside;
  const droppable = advice.claims.filter((claim) => claim.advice === 'drop').reduce((sum, claim) => sum + claim.bytes, 0);
  return (
    <dl class="figures">
      <Figure name="This token" quantity={{ value: count(anatomy.bytes), unit: 'B' }} note={`signed with ${anatomy.algorithm}`} />
      <Figure name="As a Txn-Token" quantity={{ value: count(inside), unit: 'B' }} note="on each hop inside" />
      <Figure
        name={saved >= 0 ? 'Saved on each hop' : 'Added on each hop'}
        quantity={{ value: count(Math.abs(saved)), unit: 'B' }}
        note={`${text(percent(Math.abs(saved) / anatomy.bytes))} of this token`}
      />
      <Figure name="Claims that could go" quantity={{ value: count(droppable), unit: 'B' }} note="nobody reads them" />
    </dl>
  );
}

function Parts({ anatomy }: { readonly anatomy: TokenAnatomy }): JSX.Element {
  const parts = [
    { name: 'header', size: anatomy.headerBytes },
    { name: 'claims', size: anatomy.payloadBytes },
    { name: 'signature', size: anatomy.signatureBytes },
  ];
  return (
    <figure class="parts">
      <div class="parts-bar" aria-hidden="true">
        {parts.map(({ name, size }) => (
          <div key={name} class={`part-${name}`} style={{ flexGrow: size }} />
        ))}
      </div>
      <figcaption>
        <ul class="legend">
          {parts.map(({ name, size }) => (
            <li key={name} class={`is-${name}`}>
              {name} {text(bytes(size))}
            </li>
          ))}
        </ul>
      </figcaption>
    </figure>
  );
}

// undefined: nothing was given; a text: what is wrong with it. Never a part of the token.
function dissect(token: string): TokenAnatomy | string | undefined {
  const compact = token.trim().replace(/^Bearer\s+/i, '');
  if (compact === '') return undefined;
  try {
    return dissectToken(compact);
  } catch (error) {
    if (error instanceof TokenUnreadable) return error.message;
    throw error;
  }
}
