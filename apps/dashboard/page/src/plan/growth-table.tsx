/** The growth table: each cost with the remedies, and below it without. */
import type { Plan, PlanRow, SystemCost } from '@watchword/planner';
import type { JSX } from 'preact';
import { UNKNOWN, bytes, compact, count, number, text } from '../format.ts';
import { limitName } from './words.ts';

interface Column {
  readonly name: string;
  readonly show: (cost: SystemCost) => string;
}

const COLUMNS: readonly Column[] = [
  { name: 'Verification', show: ({ verificationCores }) => `${number(verificationCores.value)} cores` },
  { name: 'of the servers', show: ({ verificationShare }) => `${number(verificationShare.value * 100)} %` },
  { name: 'Tokens per link', show: ({ perLink }) => `${text(bytes(perLink.megabytesPerSecond * 1e6))}/s` },
  { name: 'or', show: ({ perLink }) => `${number(perLink.gigabitsPerSecond)} Gbit/s` },
  { name: 'Cache', show: ({ cacheBytes }) => text(bytes(Math.round(cacheBytes.value))) },
  { name: 'Instances', show: ({ instances }) => count(instances.value) },
  { name: 'Latency, 99 %', show: ({ latency }) => (latency === null ? 'too slow' : `${number(latency.p99Ms.value)} ms`) },
  { name: 'A month', show: ({ monthlyCost }) => `$${count(monthlyCost.value)}` },
  { name: 'Breaks first', show: ({ bottlenecks: [first] }) => (first === undefined ? UNKNOWN : limitName(first)) },
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
          </tr>
        </thead>
        <tbody>
          {USERS.map((users, index) => (
            <Row key={users} users={users} row={plan?.rows[index]} />
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Row({ users, row }: { readonly users: number; readonly row: PlanRow | undefined }): JSX.Element {
  return (
    <tr>
      <th scope="row">{compact(users)}</th>
      <td class="is-number">{row === undefined ? UNKNOWN : `${compact(row.requestsPerSecond)}/s`}</td>
      {COLUMNS.map(({ name, show }) => (
        <td key={name} class="is-number">
          {row === undefined ? UNKNOWN : show(row.with)}
          <span class="soft">{row === undefined ? UNKNOWN : show(row.without)}</span>
        </td>
      ))}
    </tr>
  );
}
