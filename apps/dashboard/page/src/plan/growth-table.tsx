/** The growth table: each cost with the remedies, and below it without. */
import type { Figure as Marked, Plan, PlanRow, SystemCost } from '@watchword/planner';
import type { JSX } from 'preact';
import { UNKNOWN, bytes, count, large, number, text } from '../format.ts';
import { limitName, marked } from './words.ts';

interface Column {
  readonly name: string;
  /** undefined: there is none, because the servers cannot keep up. */
  readonly of: (cost: SystemCost) => Marked | undefined;
  readonly show: (value: number) => string;
}

const COLUMNS: readonly Column[] = [
  { name: 'Verification, cores', of: ({ verificationCores }) => verificationCores, show: number },
  { name: 'of servers, %', of: ({ verificationShare }) => verificationShare, show: (share) => number(share * 100) },
  { name: 'Tokens per link', of: ({ perLink }) => perLink, show: (perSecond) => `${text(bytes(perSecond))}/s` },
  { name: 'Gbit/s', of: ({ perLink }) => perLink, show: (perSecond) => number((perSecond * 8) / 1e9) },
  { name: 'Cache', of: ({ cacheBytes }) => cacheBytes, show: (value) => text(bytes(Math.round(value))) },
  { name: 'Instances', of: ({ instances }) => instances, show: count },
  { name: '99 % within, ms', of: ({ latency }) => latency?.p99Ms, show: number },
  { name: 'Month, $', of: ({ monthlyCost }) => monthlyCost, show: count },
];

const USERS: readonly number[] = [100, 10_000, 1_000_000, 100_000_000];

/** The table; dashes until the first plan is there. */
export function GrowthTable({ plan }: { readonly plan: Plan | undefined }): JSX.Element {
  return (
    <div class="scroll" role="region" aria-labelledby="table-caption" tabIndex={0}>
      <table class="growth-table">
        <caption id="table-caption">
          With remedies, <span class="soft">and without</span>
        </caption>
        <thead>
          <tr>
            <th scope="col">Users</th>
            <th scope="col" class="is-number">
              Requests
            </th>
            {COLUMNS.map(({ name }) => (
              <th key={name} scope="col" class="is-number">
                {name}
              </th>
            ))}
            <th scope="col">Gives way first</th>
          </tr>
        </thead>
        <tbody>
          {USERS.map((users, index) => (
            <Row key={users} users={users} row={plan?.rows[index]} />
          ))}
        </tbody>
      </table>
      <p class="soft marks">~ extrapolated: computed from unit costs, at a rate that nobody has run. * simulated.</p>
    </div>
  );
}

function Row({ users, row }: { readonly users: number; readonly row: PlanRow | undefined }): JSX.Element {
  return (
    <tr>
      <th scope="row">{large(users)}</th>
      <td class="is-number">{row === undefined ? UNKNOWN : `${large(row.requestsPerSecond)}/s`}</td>
      {COLUMNS.map((column) => (
        <td key={column.name} class="is-number">
          {cell(row?.with, column)}
          <span class="soft">{cell(row?.without, column)}</span>
        </td>
      ))}
      <td class="is-text">
        {firstLimit(row?.with)}
        <span class="soft">{firstLimit(row?.without)}</span>
      </td>
    </tr>
  );
}

function cell(cost: SystemCost | undefined, { of, show }: Column): string {
  if (cost === undefined) return UNKNOWN;
  const figure = of(cost);
  return figure === undefined ? 'too slow' : marked(figure, show);
}

function firstLimit(cost: SystemCost | undefined): string {
  const first = cost?.bottlenecks[0];
  return first === undefined ? UNKNOWN : limitName(first);
}
