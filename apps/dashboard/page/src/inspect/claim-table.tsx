/** Each claim with its size, and whether it has to travel. Names and sizes; the values are nobody's business. */
import type { Advice, ClaimUse } from '@watchword/planner';
import type { JSX } from 'preact';
import { count } from '../format.ts';

/** What to show. */
export interface ClaimTableProps {
  readonly claims: readonly ClaimUse[];
  /** Octets of the whole token. */
  readonly total: number;
  /** Claims that services read. */
  readonly read: ReadonlySet<string>;
  readonly toggle: (name: string) => void;
}

const WORDS: Readonly<Record<Advice, string>> = {
  always: 'always there',
  map: 'carry it',
  drop: 'could go',
};

/** The table. */
export function ClaimTable({ claims, total, read, toggle }: ClaimTableProps): JSX.Element {
  const largest = Math.max(...claims.map((claim) => claim.bytes), 1);
  return (
    <table class="claims">
      <caption>Tick the claims that your services read.</caption>
      <thead>
        <tr>
          <th scope="col">Read</th>
          <th scope="col">Claim</th>
          <th scope="col" class="is-number">
            Bytes
          </th>
          <th scope="col" class="is-wide">
            Share
          </th>
          <th scope="col">Inside</th>
        </tr>
      </thead>
      <tbody>
        {claims.map(({ name, bytes, advice }) => (
          <tr key={name} class={`is-${advice}`}>
            <td>
              <input
                type="checkbox"
                aria-label={`Services read ${name}`}
                checked={advice === 'always' || read.has(name)}
                disabled={advice === 'always'}
                onChange={() => toggle(name)}
              />
            </td>
            <th scope="row">{name}</th>
            <td class="is-number">{count(bytes)}</td>
            <td class="is-wide">
              <div class="share">
                <div style={{ width: `${(bytes / largest) * 100}%` }} />
                <span>{((bytes / total) * 100).toFixed(0)} %</span>
              </div>
            </td>
            <td>{WORDS[advice]}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
