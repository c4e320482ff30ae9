/** From rounds to a row for each call. */
import { median, medianRatio } from '../statistics.ts';
import { CONTENDERS, type ContenderId } from './contenders.ts';
import type { RoundResult } from './job.ts';
import type { Comparison } from './plan.ts';

/** One call of one contender. Times in nanoseconds of processor time for each verification. */
export interface Row {
  readonly contender: ContenderId;
  readonly call: string;
  readonly cached: boolean;
  /** Median over the rounds, the making of the string subtracted. */
  readonly netNs: number;
  /** Median of what was subtracted. */
  readonly stringNs: number;
  /** Median on the clock instead of in processor time, also net. */
  readonly wallNetNs: number;
  /** Net time in each round. */
  readonly rounds: readonly number[];
}

/** All rows over the same tokens. */
export interface ComparisonResult extends Comparison {
  readonly meanTokenBytes: number;
  readonly rows: readonly Row[];
}

/** Makes the rows. @param rounds by round, by contender, by call */
export function summarize(
  comparison: Comparison,
  ids: readonly ContenderId[],
  meanTokenBytes: number,
  rounds: readonly (readonly (readonly RoundResult[])[])[],
): ComparisonResult {
  const rows = ids.flatMap((contender, place) =>
    rounds[0]![place]!.map((_, call) =>
      toRow(
        contender,
        rounds.map((round) => round[place]![call]!),
      ),
    ),
  );
  return { ...comparison, meanTokenBytes, rows };
}

/** How many times `slow` takes as long as `fast`. */
export function timesAsLong(slow: Row, fast: Row): number {
  return medianRatio(slow.rounds, fast.rounds);
}

/** The first call of a contender: the one that the targets are about. @throws TypeError for one that did not take part */
export function rowOf(result: ComparisonResult, contender: ContenderId): Row {
  const row = result.rows.find((row) => row.contender === contender);
  if (row === undefined) throw new TypeError(`${contender} took no part`);
  return row;
}

function toRow(contender: ContenderId, results: readonly RoundResult[]): Row {
  const strings = median(results.map(({ strings }) => strings.cpuNs));
  const wallStrings = median(results.map(({ strings }) => strings.wallNs));
  // The median of all rounds is subtracted, not that of the same round: the string's noise is as large as the fastest call.
  const rounds = results.map(({ whole }) => whole.cpuNs - strings);
  return {
    contender,
    call: results[0]!.call,
    cached: CONTENDERS[contender].cached,
    netNs: median(rounds),
    stringNs: strings,
    wallNetNs: median(results.map(({ whole }) => whole.wallNs)) - wallStrings,
    rounds,
  };
}
