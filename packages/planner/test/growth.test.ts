import { describe, expect, it } from 'vitest';
import { type GrowthRow, type UnitCosts, growthTable } from '../src/index.ts';

const costs = (changes: Partial<UnitCosts> = {}): UnitCosts => ({
  verificationMicros: 700,
  edgeTokenBytes: 1_200,
  internalTokenBytes: 1_200,
  internalHops: 4,
  observedRequestsPerSecond: 600,
  ...changes,
});

const rowFor = (users: number, without: UnitCosts, withWatchword: UnitCosts = costs()): GrowthRow =>
  growthTable({ without, with: withWatchword }).find((row) => row.users === users)!;

describe('growthTable refuses', () => {
  it.each([
    ['a negative cost', { verificationMicros: -1 }],
    ['a cost that is not a number', { internalTokenBytes: Number.NaN }],
    ['an infinite cost', { edgeTokenBytes: Number.POSITIVE_INFINITY }],
  ])('%s, naming the place', (_, changes) => {
    const [name] = Object.keys(changes);
    expect(() => growthTable({ without: costs(changes), with: costs() })).toThrow(RangeError);
    expect(() => growthTable({ without: costs(), with: costs(changes) })).toThrow(`with.${name}`);
  });
});

describe('growthTable', () => {
  it('has a row for each size, half a request per user and second', () => {
    const rows = growthTable({ without: costs(), with: costs() });
    expect(rows.map((row) => [row.users, row.requestsPerSecond])).toEqual([
      [100, 50],
      [10_000, 5_000],
      [1_000_000, 500_000],
      [100_000_000, 50_000_000],
    ]);
  });

  it('counts the cores that do nothing but verify', () => {
    const row = rowFor(10_000, costs({ verificationMicros: 700 }), costs({ verificationMicros: 35 }));
    expect(row.without.verificationCores).toBeCloseTo(3.5);
    expect(row.with.verificationCores).toBeCloseTo(0.175);
  });

  it.each([
    [1_000, 5, 500, 4],
    [2_000, 10, 1_000, 8],
  ])('keeps to the rules of thumb for tokens of %d bytes', (bytes, moderate, high, gigabits) => {
    const token = costs({ internalTokenBytes: bytes });
    expect(rowFor(10_000, token).without.perLink.megabytesPerSecond).toBeCloseTo(moderate);
    expect(rowFor(1_000_000, token).without.perLink.megabytesPerSecond).toBeCloseTo(high);
    expect(rowFor(1_000_000, token).without.perLink.gigabitsPerSecond).toBeCloseTo(gigabits);
  });

  it('keeps to the rule of thumb that one verification at 22 to 175 us is 11 to 88 % of a core at 5,000 requests/s', () => {
    expect(rowFor(10_000, costs({ verificationMicros: 22 })).without.verificationCores).toBeCloseTo(0.11);
    expect(rowFor(10_000, costs({ verificationMicros: 175 })).without.verificationCores).toBeCloseTo(0.875);
  });

  it('adds up all hops: the external token still arrives at the edge', () => {
    const small = costs({ edgeTokenBytes: 1_200, internalTokenBytes: 400, internalHops: 4 });
    expect(rowFor(10_000, costs(), small).with.allHops.megabytesPerSecond).toBeCloseTo((1_200 + 4 * 400) * 0.005);
  });

  it('calls measured only what lies within the observed rate, for each strategy by itself', () => {
    const rows = growthTable({
      without: costs({ observedRequestsPerSecond: 50 }),
      with: costs({ observedRequestsPerSecond: 5_000 }),
    });
    expect(rows.map((row) => row.without.basis)).toEqual(['measured', 'extrapolated', 'extrapolated', 'extrapolated']);
    expect(rows.map((row) => row.with.basis)).toEqual(['measured', 'measured', 'extrapolated', 'extrapolated']);
  });

  it('is linear in the number of users', () => {
    const [small, ...larger] = growthTable({ without: costs(), with: costs() });
    for (const row of larger) {
      const factor = row.users / small!.users;
      expect(row.without.verificationCores / small!.without.verificationCores).toBeCloseTo(factor);
      expect(row.with.allHops.gigabitsPerSecond / small!.with.allHops.gigabitsPerSecond).toBeCloseTo(factor);
    }
  });
});
