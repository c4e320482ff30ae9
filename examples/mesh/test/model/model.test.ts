import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { REFERENCE_CALIBRATION, ShapeError } from '@watchword/planner';
import { describe, expect, it, onTestFinished } from 'vitest';
import { readCalibration } from '../../src/model/calibrated.ts';
import { type Comparison, compare, errorText, summaryOf, verdictText } from '../../src/model/compare.ts';
import { type Measured, together } from '../../src/model/load.ts';
import { readModelOptions } from '../../src/model/options.ts';
import { FULL_MODEL_PLAN } from '../../src/model/plan.ts';
import { type MeshFacts, predict } from '../../src/model/predict.ts';
import { txnTokenCharactersOf } from '../../src/model/txn-token.ts';

const facts: MeshFacts = {
  plan: FULL_MODEL_PLAN,
  algorithm: 'RS256',
  tokenCharacters: 1370,
  txnTokenCharacters: 391,
  tokenLifetimeSeconds: 3600,
};

describe('the comparison', () => {
  const predicted = {
    requestsPerSecond: 50,
    verificationMicros: 100,
    hitMicros: 18,
    firstUseMicros: 260,
    hitRatio: 0.9,
    tokenBytesPerHop: 404,
  };
  const measured = (changes: Partial<Measured>): Measured => ({
    ...predicted,
    requests: 3000,
    verificationMicrosByProcess: {},
    wireBytesPerHop: 530,
    hops: 4,
    p50Ms: 1,
    p99Ms: 2,
    ...changes,
  });
  const compared = (changes: Partial<Measured>, run: { uncertainty?: number; disturbedBy?: number } = {}): Comparison[] => {
    const whole = measured(changes);
    const error = predicted.verificationMicros / whole.verificationMicros - 1;
    const roundErrors = [error, 9, -9];
    return compare({ name: '50/s', predicted, measured: whole, roundErrors, uncertainty: 0.02, disturbedBy: 0.1, ...run });
  };
  const metBy = (changes: Partial<Measured>): boolean[] => compared(changes).map(({ met }) => met);

  it('misses its target beyond 10 % of CPU, 2 points of hit ratio, 3 % of bytes, in either direction', () => {
    for (const verificationMicros of [90, 112]) expect(metBy({ verificationMicros })).toEqual([false, true, true]);
    for (const hitRatio of [0.879, 0.921]) expect(metBy({ hitRatio })).toEqual([true, false, true]);
    for (const tokenBytesPerHop of [390, 418]) expect(metBy({ tokenBytesPerHop })).toEqual([true, true, false]);
  });

  it('meets it up to there', () => {
    expect(metBy({ verificationMicros: 91, hitRatio: 0.881, tokenBytesPerHop: 393 })).toEqual([true, true, true]);
    expect(metBy({ verificationMicros: 111, hitRatio: 0.919, tokenBytesPerHop: 416 })).toEqual([true, true, true]);
  });

  it('says how far off a prediction is', () => {
    const [cpu, hits] = compared({ verificationMicros: 125, hitRatio: 0.89 });
    expect([errorText(cpu!), verdictText(cpu!)]).toEqual(['-20.0 %', 'MISSED (within 10 %)']);
    expect([errorText(hits!), verdictText(hits!)]).toEqual(['+1.00 points', 'met (within 2 points)']);
    expect(summaryOf([cpu!, hits!])).toBe('Targets: 1 met, 1 MISSED: verification CPU per request, us at 50/s (-20.0 %).');
    expect(summaryOf([hits!])).toBe('All 1 targets met.');
  });

  it('takes of processor time what most rounds say, each by its own unit costs, whatever the middle of all would be', () => {
    const run = { name: '50/s', predicted, measured: measured({ verificationMicros: 150 }), uncertainty: 0.02, disturbedBy: 0.1 };
    const [cpu] = compare({ ...run, roundErrors: [-0.5, 0.02, 0.03, 0.04, 0.5] });
    expect([cpu!.predicted, cpu!.measured, cpu!.error, cpu!.met]).toEqual([100, 150, 0.03, true]);
  });

  it('says nothing of processor time that was measured between other programs, or in rounds that are far apart', () => {
    for (const [run, why] of [
      [{ disturbedBy: 0.4 }, 'other programs on 0.4 cores'],
      [{ uncertainty: 0.12 }, 'another run may differ by 12 %'],
    ] as const) {
      const [cpu, hits, bytes] = compared({ verificationMicros: 101, hitRatio: 0.5 }, run);
      expect(verdictText(cpu!)).toBe('TOO NOISY TO SAY (within 10 %)');
      // What does not depend on it is judged all the same.
      expect([verdictText(hits!), verdictText(bytes!)]).toEqual(['MISSED (within 2 points)', 'met (within 3 %)']);
      expect(summaryOf([cpu!, hits!, bytes!])).toBe(
        `Targets: 1 met, 1 MISSED: hit ratio, % at 50/s (+40.00 points); the machine was too noisy for verification CPU per request, us at 50/s (${why}).`,
      );
    }
  });
});

describe('several rounds', () => {
  const round = (verificationMicros: number, hitRatio: number, requests: number): Measured => ({
    requestsPerSecond: requests / 10,
    requests,
    verificationMicros,
    verificationMicrosByProcess: { gateway: verificationMicros / 2 },
    hitMicros: verificationMicros / 10,
    firstUseMicros: verificationMicros * 2,
    hitRatio,
    tokenBytesPerHop: 404,
    wireBytesPerHop: 530,
    hops: 4,
    p50Ms: 1,
    p99Ms: 2,
  });

  it('make one: the middle of processor time, all requests of everything else', () => {
    const { verificationMicrosByProcess, ...whole } = together([round(100, 0.9, 100), round(40, 0.6, 300), round(50, 0.6, 100)]);
    expect(whole).toMatchObject({ requests: 500, verificationMicros: 50, hitMicros: 5, firstUseMicros: 100, hops: 4 });
    expect(whole.hitRatio).toBeCloseTo(0.66);
    expect(whole.requestsPerSecond).toBeCloseTo(500 / 30);
    expect(verificationMicrosByProcess).toEqual({ gateway: 25 });
  });
});

describe('the prediction', () => {
  const at = (rate: number): ReturnType<typeof predict> => predict(facts, REFERENCE_CALIBRATION, rate, false);

  it('has more hits and less CPU per request at a higher rate, and the same octets', () => {
    expect(at(500).hitRatio).toBeGreaterThan(at(50).hitRatio + 0.05);
    expect(at(500).verificationMicros).toBeLessThan(at(50).verificationMicros);
    expect(at(500).tokenBytesPerHop).toBe(at(50).tokenBytesPerHop);
    // Over HTTP/1.1: `txn-token: ` and CRLF around the token.
    expect(at(50).tokenBytesPerHop).toBeCloseTo(391 + 13, 0);
  });

  it('takes no process for idle at the highest rate of the machine, however low that is, but first uses for as rare as they are', () => {
    const curve = [12, 40, 500].map((perSecond, index) => ({ perSecond, extraMicros: 100 - 50 * index }));
    const costs = { ...REFERENCE_CALIBRATION, rarely: { ...REFERENCE_CALIBRATION.rarely!, hit: curve, verify: curve } };
    const [idle, saturated] = [false, true].map((isSaturated) => predict(facts, costs, 100, isSaturated));
    const { hits, algorithms, storeMicros } = costs;
    const firstUse = algorithms.ES256.verifyMicros + storeMicros;
    expect(saturated!.hitMicros).toBe(hits[0]!.micros);
    expect(idle!.hitMicros).toBeGreaterThan(hits[0]!.micros + 20);
    // 100 requests per second of 200 users bring less than 20 first uses: the second point, where no process waited.
    expect(saturated!.firstUseMicros).toBeCloseTo(firstUse + 50);
    expect(idle!.firstUseMicros).toBeGreaterThan(firstUse + 60);
    expect(saturated!.verificationMicros).toBeLessThan(idle!.verificationMicros);
    expect(saturated!.hitRatio).toBe(idle!.hitRatio);
  });

  it('needs no additions', () => {
    const { rarely: _rarely, ...costs } = REFERENCE_CALIBRATION;
    expect(predict(facts, costs, 100, true)).toEqual(predict(facts, costs, 100, false));
  });

  it('knows how long Txn-Tokens are before there are any', () => {
    expect(txnTokenCharactersOf('user-0001')).toBe(391);
    expect(txnTokenCharactersOf('user-00000001')).toBeGreaterThan(391);
  });
});

describe('npm run bench:model', () => {
  it('refuses what it does not know', () => {
    expect(() => readModelOptions(['--fast'])).toThrow('--fast');
    expect(() => readModelOptions(['now'])).toThrow('now');
    expect(readModelOptions(['--quick', '--calibration', 'costs.json'])).toEqual({
      quick: true,
      help: false,
      json: undefined,
      calibration: 'costs.json',
    });
  });

  it('refuses unit costs that are none', () => {
    const folder = mkdtempSync(join(tmpdir(), 'watchword-model-test-'));
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    const file = join(folder, 'costs.json');
    writeFileSync(file, JSON.stringify({ ...REFERENCE_CALIBRATION, proxyMicros: -1 }));
    expect(() => readCalibration(file)).toThrow(ShapeError);
    writeFileSync(file, JSON.stringify(REFERENCE_CALIBRATION));
    expect(readCalibration(file)).toEqual(REFERENCE_CALIBRATION);
  });
});
