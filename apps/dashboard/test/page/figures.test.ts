import { describe, expect, test } from 'vitest';
import { liveFigures, quantile } from '../../page/src/live/figures.ts';
import { seriesOf } from '../../page/src/live/traffic.ts';
import { sample } from '../support.ts';

describe('what is not known is not made up', () => {
  test('after the first look there are totals and no rates', () => {
    const first = sample();
    expect(liveFigures(first, first)).toMatchObject({
      span: 'since-start',
      requestsPerSecond: undefined,
      checksPerSecond: undefined,
      verificationCores: undefined,
      avoided: 900,
      verifications: 1000,
      avoidedShare: 0.9,
      hitRate: 0.86,
      reusedShare: 0.9,
    });
  });

  test('a gateway that has seen nothing: no share, no cost, no quantile', () => {
    const cache = { hits: 0, misses: 0, evictions: 0, savedSeconds: 0, entries: 0, bytes: 0 };
    const durations = { bounds: [0.001], counts: [0, 0] };
    const fresh = sample({ cache, durations, signatureChecks: 0, knownBadHits: 0, minted: 0, reused: 0, hops: [] });
    const figures = liveFigures({ ...fresh, atMs: fresh.atMs + 1000 }, fresh);
    for (const name of ['avoidedShare', 'hitRate', 'verifySeconds', 'verificationCores', 'p50Seconds', 'reusedShare'] as const) {
      expect(figures[name], name).toBeUndefined();
    }
    expect(figures).toMatchObject({ requestsPerSecond: 0, verifications: 0 });
  });
});

test('rates, shares and costs between two looks', () => {
  const earlier = sample();
  const cache = { ...earlier.cache!, hits: 1840, misses: 160, savedSeconds: 0.092 };
  const latest = sample({
    atMs: earlier.atMs + 10_000,
    requests: 2000,
    signatureChecks: 120,
    cache,
    refusals: { token_expired: 60, signature_invalid: 10 },
    hops: [{ hop: 'clients', requests: 2000, bytes: 2_900_000, bodyBytes: 0 }],
  });
  const figures = liveFigures(latest, earlier);
  expect(figures).toMatchObject({
    span: 'recent',
    requestsPerSecond: 100,
    checksPerSecond: 2,
    avoided: 980,
    verifications: 1000,
  });
  expect(figures).toMatchObject({ avoidedPerSecond: 98, avoidedShare: 0.98, hitRate: 0.98, refusedPerSecond: 1, waiting: 11 });
  expect(figures.hops).toEqual([{ hop: 'clients', requestsPerSecond: 100, bytesPerRequest: 1000, bytesPerSecond: 100_000 }]);
  // 92 ms saved by 1,840 hits: 50 us each, and the 0.6 us that a hit takes itself.
  expect(figures.verifySeconds).toBeCloseTo(50.6e-6, 10);
  expect(figures.verificationCores).toBeCloseTo((20 * 50.6e-6 + 980 * 0.6e-6) / 10, 10);
  expect(figures.withoutCacheCores).toBeCloseTo((1000 * 50.6e-6) / 10, 10);
});

test('quantiles are interpolated; beyond the last bound it is the last bound', () => {
  const durations = { bounds: [0.001, 0.01], counts: [100, 900, 1000] };
  expect(quantile(durations, 0.05)).toBeCloseTo(0.0005);
  expect(quantile(durations, 0.5)).toBeCloseTo(0.0055);
  expect(quantile(durations, 0.99)).toBe(0.01);
  expect(quantile({ bounds: [0.001], counts: [0, 0] }, 0.5)).toBeUndefined();
});

test('the chart: rates between neighbours, seconds before now', () => {
  const moment = (atMs: number, requests: number, signatureChecks: number) => ({ atMs, requests, signatureChecks, avoided: 0 });
  expect(seriesOf([], 0)).toEqual([[], [], []]);
  expect(seriesOf([moment(1000, 10, 1), moment(2000, 30, 2), moment(4000, 30, 6)], 9_000)).toEqual([
    [-2, 0],
    [20, 0],
    [1, 2],
  ]);
});
