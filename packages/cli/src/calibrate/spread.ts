/** How much the rounds of a calibration differ: half of the way from the least to the most, as a share of the middle. */
import type { Spread } from '@watchword/planner';
import { median } from './median.ts';
import type { BusyRound, RareRound } from './rounds.ts';
import { paceTimesOf } from './unit-times.ts';

/** Of hits, which take little time, and of first uses, which take most of it; undefined after a single round. */
export function spreadOf(busy: readonly BusyRound[], rarely: readonly RareRound[]): Spread | undefined {
  if (busy.length < 2 || rarely.length < 2) return undefined;
  const few = busy.map((round) => paceTimesOf(round.few));
  const rare = rarely.map((round) => paceTimesOf(round.rare));
  return {
    hit: halfRange(few.map(({ hit }) => hit)),
    firstUse: halfRange(few.map(({ firstUse }) => firstUse)),
    rareHit: halfRange(rare.map(({ hit }) => hit)),
    rareFirstUse: halfRange(rare.map(({ firstUse }) => firstUse)),
  };
}

function halfRange(values: readonly number[]): number {
  return Math.round(((Math.max(...values) - Math.min(...values)) / 2 / median(values)) * 1000) / 1000;
}
