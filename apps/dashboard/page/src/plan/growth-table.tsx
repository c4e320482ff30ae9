/** The growth table: each cost with the remedies, and below it without. */
import type { Plan, PlanRow, SystemCost } from '@watchword/planner';
import type { JSX } from 'preact';
import { UNKNOWN, bytes, count, large, number, text } from '../format.ts';
import { limitName } from './words.ts';

interface Column {
  readonly name: string;
  readonly show: (cost: SystemCost) => string;
}

const COLUMNS: readonly Column[] = [
  { name: 'Verification, cores', show: ({ verificationCores }) => number(verificationCores.value) },
  { name: 'of servers, %', show: ({ verificationShare }) => number(verificationShare.value * 100) },
  { name: 'Tokens per link', show: ({ perLink }) => `${text(bytes(perLink.megabytesPerSecond * 1e6))}/s` },
  { name: 'Gbit/s', show: ({ perLink }) => number(perLink.gigabitsPerSecond) },
  { name: 'Cache', show: ({ cacheBytes }) => text(bytes(Math.round(cacheBytes.value))) },
  { name: 'Instances', show: ({ instances }) => count(instances.value) },
  { name: '99 % within, ms', show: ({ latency }) => (latency === null ? 'too slow' : number(latency.p99Ms.value)) },
  { name: 'Month, $', show: ({ monthlyCost }) => count(monthlyCost.value) },
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
    </div>
  );
}

function Row({ users, row }: { readonly users: number; readonly row: PlanRow | undefined }): JSX.Element {
  return (
    <tr>
      <th scope="row">{large(users)}</th>
      <td class="is-number">{row === undefined ? UNKNOWN : `${large(row.requestsPerSecond)}/s`}</td>
      {COLUMNS.map(({ name, show }) => (
        <td key={name} class="is-number">
          {row === undefined ? UNKNOWN : show(row.with)}
          <span class="soft">{row === undefined ? UNKNOWN : show(row.without)}</span>
        </td>
      ))}
      <td class="is-text">
        {firstLimit(row?.with)}
        <span class="soft">{firstLimit(row?.without)}</span>
      </td>
    </tr>
  );
}

function firstLimit(cost: SystemCost | undefined): string {
  const first = cost?.bottlenecks[0];
  return first === undefined ? UNKNOWN : limitName(first);
}
