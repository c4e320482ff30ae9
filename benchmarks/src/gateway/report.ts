/** What people see of the comparison of proxies. */
import { type Column, countText, drawTable } from '../report/table.ts';
import type { Target } from '../report/targets.ts';
import { median, medianRatio } from '../statistics.ts';
import type { Turn, Turns } from './measure.ts';
import type { EdgeAlgorithm } from './plan.ts';
import { SUBJECTS, SUBJECT_IDS, type SubjectId } from './subjects.ts';

/** What one algorithm's tokens gave. */
export interface EdgeResult {
  readonly algorithm: EdgeAlgorithm;
  readonly tokens: number;
  readonly meanTokenBytes: number;
  readonly turns: Turns;
}

const COLUMNS: readonly Column[] = [
  ['proxy', 'left'],
  ['requests/s', 'right'],
  ['CPU for one', 'right'],
  ['requests/s and core', 'right'],
  ["the proxy's core", 'right'],
  ['the other core', 'right'],
];

/** One algorithm as a table. */
export function drawEdge({ algorithm, tokens, meanTokenBytes, turns }: EdgeResult): string {
  const rows = SUBJECT_IDS.map((id) => {
    const middle = (value: (turn: Turn) => number): number => median(turns[id].map(value));
    return [
      SUBJECTS[id].title,
      countText(middle(({ requestsPerSecond }) => requestsPerSecond)),
      `${middle(({ cpuUs }) => cpuUs).toFixed(1)} us`,
      countText(middle(({ cpuUs }) => 1e6 / cpuUs)),
      `${(100 * middle(({ proxyLoad }) => proxyLoad)).toFixed(0)} %`,
      `${(100 * middle(({ neighbourLoad }) => neighbourLoad)).toFixed(0)} %`,
    ];
  });
  return `${algorithm}, ${countText(tokens)} tokens, ${countText(meanTokenBytes)} bytes each\n${drawTable(COLUMNS, rows)}`;
}

/** The promises about the gateway, in requests for each second of processor time. */
export function gatewayTargets(results: readonly EdgeResult[]): Target[] {
  return results.flatMap(({ algorithm, turns }) => {
    const against = (rival: SubjectId, claim: string, limit: number): Target => ({
      claim: `gateway, ${algorithm}: ${claim}`,
      // The inverse of time: the rival's time in units of ours.
      ratio: medianRatio(cpuOf(turns[rival]), cpuOf(turns.watchword)),
      limit,
      bound: 'at least',
    });
    return [
      against('watchword-public', 'requests per core, of itself without verification', 0.9),
      against('fastify', 'requests per core, of @fastify/http-proxy + @fastify/jwt', 1.8),
    ];
  });
}

function cpuOf(turns: readonly Turn[]): number[] {
  return turns.map(({ cpuUs }) => cpuUs);
}
