/** From counters to what a chart draws. */
import type { Moment } from '@watchword/dashboard';

/** Seconds before now, and rates between neighbouring moments. */
export function seriesOf(moments: readonly Moment[], nowMs: number): [number[], number[], number[]] {
  const end = moments.at(-1)?.atMs ?? nowMs;
  const pairs = moments.slice(1).map((now, index) => ({ now, before: moments[index]! }));
  const perSecond = (of: 'requests' | 'signatureChecks'): number[] =>
    pairs.map(({ now, before }) => (Math.max(0, now[of] - before[of]) * 1000) / Math.max(1, now.atMs - before.atMs));
  return [pairs.map(({ now }) => (now.atMs - end) / 1000), perSecond('requests'), perSecond('signatureChecks')];
}
