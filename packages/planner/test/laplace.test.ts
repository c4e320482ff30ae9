import { describe, expect, it } from 'vitest';
import { alternationOf, silently } from '../src/model/caller-states.ts';
import { samplesFor } from '../src/model/laplace.ts';
import { Spectrum } from '../src/model/spectrum.ts';
import { silence } from '../src/model/token-life.ts';

/** What `transform` makes of the points where it is asked for, at `point`. */
function valueAt(point: number, transform: (at: Spectrum) => Spectrum): number {
  const { at, weights } = samplesFor(point);
  return transform(at).sum(weights);
}

const one = (at: Spectrum): Spectrum => new Spectrum(at.re.length).fill(1);
const copy = (at: Spectrum): Spectrum => new Spectrum(at.re.length).set(at);

describe('a function from its Laplace transform', () => {
  it.each([0.01, 1, 30, 3_600])('at %d: a constant, the time itself, a decay', (point) => {
    expect(valueAt(point, (at) => one(at).over(at))).toBeCloseTo(1, 4);
    expect(valueAt(point, (at) => one(at).over(at).over(at)) / point).toBeCloseTo(1, 4);
    expect(valueAt(point, (at) => one(at).over(copy(at).scaled(1, 1 / point)))).toBeCloseTo(Math.exp(-1), 4);
  });

  it('that begins late: nothing before, and as much later', () => {
    const ramp = (at: Spectrum, after: number): Spectrum => copy(at).delayed(after).over(at).over(at);
    expect(valueAt(10, (at) => ramp(at, 12))).toBeCloseTo(0, 2);
    expect(valueAt(10, (at) => ramp(at, 4))).toBeCloseTo(6, 2);
    expect(valueAt(10, (at) => ramp(at, Infinity))).toBe(0);
  });
});

describe('users who are busy and idle by turns', () => {
  const session = { busySeconds: 20, idleSeconds: 70 };

  it.each([0.001, 1, 100, 5_000])('are silent for %d s as often in both ways of computing it', (seconds) => {
    const [busy, idle] = silently(alternationOf(session), 0.3, seconds);
    const caller = { ...session, requestsPerSecond: (0.3 * 20) / 90 };
    expect(busy + idle).toBeCloseTo(silence(caller, 1, seconds), 12);
  });

  it('without requests: two steps in a row are one, and none gets lost', () => {
    const [busy, idle, woken, asleep] = silently(alternationOf(session), 0, 7);
    const [first] = silently(alternationOf(session), 0, 14);
    expect(busy * busy + idle * woken).toBeCloseTo(first, 12);
    expect([busy + idle, woken + asleep].map((sum) => sum.toFixed(12))).toEqual(['1.000000000000', '1.000000000000']);
  });

  it('or never idle: silent with an exponential law', () => {
    const steady = alternationOf({ busySeconds: 1, idleSeconds: 0 });
    expect(silently(steady, 0.5, 3)).toEqual([expect.closeTo(Math.exp(-1.5), 12), 0, expect.anything(), expect.anything()]);
  });
});
