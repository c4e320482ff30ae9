/** How far a calibration can be believed: how much parts of it differ that were measured at the same time. */
import type { Spread } from '@watchword/planner';
import { median } from './median.ts';
import type { BusyRound, RareRound } from './rounds.ts';
import { paceTimesOf } from './unit-times.ts';

/** Every third round is a part: whatever lasts for longer is in all of them. */
const PARTS = 3;

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

/** Half of the way from the least to the most of the parts' middles, as a share of the whole's. */
function halfRange(values: readonly number[]): number {
  const parts = Array.from({ length: Math.min(PARTS, values.length) }, (_, part) =>
    median(values.filter((_value, round) => round % PARTS === part)),
  );
  return Math.round(((Math.max(...parts) - Math.min(...parts)) / 2 / median(values)) * 1000) / 1000;
}
