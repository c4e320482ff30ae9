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
  readonly turns: Turns;
}

const COLUMNS: readonly Column[] = [
  ['proxy', 'left'],
  ['requests/s', 'right'],
  ['CPU for one', 'right'],
  ['requests/s and core', 'right'],
  ['its core', 'right'],
  ['p50', 'right'],
  ['p99', 'right'],
];

/** One algorithm as a table. */
export function drawEdge({ algorithm, turns }: EdgeResult): string {
  const rows = SUBJECT_IDS.map((id) => {
    const middle = (value: (turn: Turn) => number): number => median(turns[id].map(value));
    return [
      SUBJECTS[id].title,
      countText(middle(({ requestsPerSecond }) => requestsPerSecond)),
      `${middle(({ cpuUs }) => cpuUs).toFixed(1)} us`,
      countText(middle(({ cpuUs }) => 1e6 / cpuUs)),
      `${(100 * middle(({ proxyLoad }) => proxyLoad)).toFixed(0)} %`,
      `${(middle(({ p50Us }) => p50Us) / 1000).toFixed(1)} ms`,
      `${(middle(({ p99Us }) => p99Us) / 1000).toFixed(1)} ms`,
    ];
  });
  return `${algorithm}\n${drawTable(COLUMNS, rows)}`;
}

/** The promises about the edge, in requests for each second of processor time. */
export function edgeTargets(results: readonly EdgeResult[]): Target[] {
  return results.flatMap(({ algorithm, turns }) => {
    const against = (rival: SubjectId, claim: string, limit: number): Target => ({
      claim: `${algorithm}: requests per core, of ${claim}`,
      // The inverse of time: the rival's time in units of ours.
      ratio: medianRatio(cpuOf(turns[rival]), cpuOf(turns.watchword)),
      limit,
      bound: 'at least',
    });
    return [
      against('haproxy', 'HAProxy jwt_verify', algorithm === 'ES256' ? 2 : 1),
      against('authRequest', 'nginx + auth_request to the decision service', 1),
      against('fastify', '@fastify/http-proxy + @fastify/jwt', 1.8),
      against('nginx', 'nginx without any verification', 0.45),
    ];
  });
}

function cpuOf(turns: readonly Turn[]): number[] {
  return turns.map(({ cpuUs }) => cpuUs);
}
