/** What people see of the comparison of verifiers. */
import { type Column, countText, drawTable, ratioText, timeText } from '../report/table.ts';
import type { Target } from '../report/targets.ts';
import { CONTENDERS, type ContenderId } from './contenders.ts';
import { type ComparisonResult, rowOf, timesAsLong } from './result.ts';

const COLUMNS: readonly Column[] = [
  ['verifier', 'left'],
  ['call', 'left'],
  ['time', 'right'],
  ['string', 'right'],
  ['per second and core', 'right'],
  ['times as fast as jose', 'right'],
];

/** One comparison as a table. */
export function drawComparison(result: ComparisonResult): string {
  const jose = rowOf(result, 'jose');
  const rows = result.rows.map((row) => [
    CONTENDERS[row.contender].title,
    row.call,
    timeText(row.netNs),
    row.stringNs === 0 ? '-' : timeText(row.stringNs),
    countText(1e9 / row.netNs),
    `${ratioText(timesAsLong(jose, row))}x`,
  ]);
  return `${title(result)}, ${countText(result.meanTokenBytes)} bytes each\n${drawTable(COLUMNS, rows)}`;
}

/** The promises about verification. */
export function verifyTargets(results: readonly ComparisonResult[]): Target[] {
  return results.flatMap((result) => [...cachedTargets(result), ...uncachedTargets(result)]);
}

function cachedTargets(result: ComparisonResult): Target[] {
  const cached = rowOf(result, 'watchword-cached');
  const faster = (rival: ContenderId, claim: string, limit: number): Target => ({
    claim: `${title(result)}: cached, as fast as ${claim}`,
    ratio: timesAsLong(rowOf(result, rival), cached),
    limit,
    bound: 'at least',
  });
  return [faster('fast-jwt-cached', "fast-jwt's cache", 3), faster('jose', 'jose', 50)];
}

/** How long an uncached verification may take, in times of the bare call. */
const UNCACHED_LIMITS: Readonly<Record<string, number>> = { ES256: 1.25, RS256: 1.5 };

function uncachedTargets(result: ComparisonResult): Target[] {
  const limit = UNCACHED_LIMITS[result.algorithm];
  if (limit === undefined) return [];
  const floor = result.rows.filter(({ contender }) => contender === 'bare').sort((left, right) => left.netNs - right.netNs)[0]!;
  return [
    {
      claim: `${title(result)}: uncached, time of the fastest bare call`,
      ratio: timesAsLong(rowOf(result, 'watchword'), floor),
      limit,
      bound: 'at most',
    },
  ];
}

function title({ algorithm, tokens }: ComparisonResult): string {
  return `${algorithm === 'EdDSA' ? 'Ed25519' : algorithm}, ${countText(tokens)} tokens`;
}
