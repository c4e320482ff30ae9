/** The curve: what the table saves or costs, by algorithm, threads and requests per token. */
import { median } from '../statistics.ts';
import { drawTable } from '../report/table.ts';
import type { Target } from '../report/targets.ts';
import type { Outcome } from './measure.ts';

/** One point, all rounds. */
export interface Point {
  readonly algorithm: string;
  readonly threads: number;
  readonly requestsPerToken: number;
  readonly alone: readonly Outcome[];
  readonly shared: readonly Outcome[];
}

const checksOf = (outcomes: readonly Outcome[]): number => median(outcomes.map(({ checksPerToken }) => checksPerToken));
const cpuOf = (outcomes: readonly Outcome[]): number => median(outcomes.map(({ cpuMicrosPerRequest }) => cpuMicrosPerRequest));

/** How many times the processor time without the table is that with it: above 1 the table pays. */
export const gainOf = ({ alone, shared }: Point): number => cpuOf(alone) / cpuOf(shared);

/** Every point. */
export function drawPoints(points: readonly Point[]): string {
  const columns = ['threads', 'requests/token', 'checks alone', 'checks shared', 'CPU alone', 'CPU shared', 'gain'];
  return drawTable(
    [['', 'left'], ...columns.map((title) => [title, 'right'] as const)],
    points.map((point) => [
      point.algorithm,
      `${point.threads}`,
      `${point.requestsPerToken}`,
      checksOf(point.alone).toFixed(3),
      checksOf(point.shared).toFixed(3),
      `${cpuOf(point.alone).toFixed(2)} us`,
      `${cpuOf(point.shared).toFixed(2)} us`,
      `${gainOf(point).toFixed(2)}x`,
    ]),
  );
}

/** The break-even: for each algorithm and number of threads, where along the requests per token the table pays. */
export function drawBreakEven(points: readonly Point[]): string {
  const requests = [...new Set(points.map(({ requestsPerToken }) => requestsPerToken))];
  const lines = [...new Set(points.map(({ algorithm, threads }) => `${algorithm}, ${threads}`))];
  return drawTable(
    [['gain by requests per token', 'left'], ...requests.map((count) => [`${count}`, 'right'] as const), ['pays', 'left']],
    lines.map((line) =>
      curveOf(
        line,
        points.filter(({ algorithm, threads }) => `${algorithm}, ${threads}` === line),
      ),
    ),
  );
}

function curveOf(line: string, points: readonly Point[]): string[] {
  const gains = points.map((point) => `${gainOf(point).toFixed(2)}x`);
  return [`${line} thread${line.endsWith(' 1') ? '' : 's'}`, ...gains, paysAt(points)];
}

// From 10 % on: less than that is the noise of a machine that does other things too.
function paysAt(points: readonly Point[]): string {
  const paying = points.filter((point) => gainOf(point) > 1.1).map(({ requestsPerToken }) => requestsPerToken);
  return paying.length === 0 ? 'never' : `${Math.min(...paying)} to ${Math.max(...paying)}`;
}

/** What was promised. */
export function targetsOf(points: readonly Point[], bytesPerToken: number): Target[] {
  const four = points.filter(({ threads }) => threads === 4);
  const worst = Math.max(...four.flatMap(({ shared }) => shared.map(({ checksPerToken }) => checksPerToken)));
  return [
    {
      claim: '4 threads without affinity: signature checks for each distinct token, worst round',
      ratio: worst,
      limit: 1.02,
      bound: 'at most',
    },
    { claim: 'bytes for each token, the whole table counted', ratio: bytesPerToken, limit: 64, bound: 'at most' },
  ];
}
