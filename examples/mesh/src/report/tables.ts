/** The two tables on screen. */
import Table from 'cli-table3';
import type { GrowthCost, GrowthRow } from '@watchword/planner';
import type { Result } from '../measure/measure.ts';

/** One row per strategy. */
export function strategyTable(results: readonly Result[]): string {
  const table = createTable([
    'strategy',
    'signature checks\nper request',
    'CPU us on verification\nper request, whole chain',
    'token bytes\nper hop',
    'requests/s',
    'p50 ms',
    'p99 ms',
  ]);
  for (const result of results) {
    table.push([
      result.title,
      result.signatureChecksPerRequest.toFixed(2),
      result.verificationMicrosPerRequest.toFixed(1),
      result.tokenBytesPerHop.toFixed(0),
      result.requestsPerSecond.toFixed(0),
      result.p50Ms.toFixed(1),
      result.p99Ms.toFixed(1),
    ]);
  }
  return table.toString();
}

/** One row per size of system. Extrapolated figures carry a tilde. */
export function growthTableText(rows: readonly GrowthRow[]): string {
  const table = createTable([
    'users',
    'requests/s',
    'verification cores\nwithout',
    'verification cores\nwith',
    'per link\nwithout',
    'per link\nwith',
    'all hops\nwithout',
    'all hops\nwith',
  ]);
  for (const { users, requestsPerSecond, without, with: withWatchword } of rows) {
    table.push([
      grouped(users),
      grouped(requestsPerSecond),
      ...[without, withWatchword].map((cost) => mark(cost, significant(cost.verificationCores))),
      ...[without, withWatchword].map((cost) => mark(cost, bandwidthText(cost.perLink))),
      ...[without, withWatchword].map((cost) => mark(cost, bandwidthText(cost.allHops))),
    ]);
  }
  return table.toString();
}

function createTable(head: string[]): Table.Table {
  const colAligns = head.map((_, index): 'left' | 'right' => (index === 0 ? 'left' : 'right'));
  return new Table({ head, colAligns, style: { head: [], border: [] } });
}

function mark({ basis }: GrowthCost, text: string): string {
  return basis === 'measured' ? text : text.replaceAll(/^/gm, '~');
}

function bandwidthText({ megabytesPerSecond, gigabitsPerSecond }: GrowthCost['perLink']): string {
  return `${significant(megabytesPerSecond)} MB/s\n${significant(gigabitsPerSecond)} Gbit/s`;
}

function significant(value: number): string {
  return value >= 100 ? grouped(Math.round(value)) : String(Number(value.toPrecision(2)));
}

function grouped(value: number): string {
  return value.toLocaleString('en-US');
}
