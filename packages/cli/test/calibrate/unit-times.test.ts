import { TOKEN_ALGORITHMS, atPace, parseCalibration, REFERENCE_CALIBRATION } from '@watchword/planner';
import { describe, expect, it } from 'vitest';
import { type Measurements, assemble } from '../../src/calibrate/assemble.ts';
import { calibrationTable } from '../../src/calibrate/calibration-text.ts';
import type { CpuReading } from '../../src/calibrate/cpu-meter.ts';
import type { ServiceReading } from '../../src/calibrate/service-process.ts';
import { type PaceReading, medianTimes, unitTimesOf } from '../../src/calibrate/unit-times.ts';

const SIZES: [number, number] = [1000, 100_000];

const reading = (each: number, processMicros = 0, steps = 10): CpuReading => ({ stepMicros: each * steps, steps, processMicros });

const probes = (more: number): Record<string, CpuReading> => ({
  ...Object.fromEntries(
    TOKEN_ALGORITHMS.flatMap((name) => [
      [`verify ${name}`, reading(100 + more)],
      [`sign ${name}`, reading(40 + more)],
      [`mint ${name}`, reading(60 + more)],
    ]),
  ),
  'hit 1000': reading(5 + more),
  'hit 100000': reading(8 + more),
  store: reading(130 + more),
  'shared hit': reading(20 + more),
});

// A first use takes 10 more than verifying and remembering alone.
const service = (admit: CpuReading, ofProbes: Record<string, CpuReading> = {}, firstUse = reading(140)): ServiceReading => ({
  admit,
  firstUse,
  probes: ofProbes,
});

/** 100 requests; each process's time is that of one request times 100. */
const pace = (more = 0, ofProbes = probes(more)): PaceReading => {
  const services = [220, 150, 90, 80].map((micros) => service(reading(4 + more, (micros + more) * 100), {}, reading(140 + more)));
  return {
    known: { requests: 100, gateway: reading(10 + more * 2, (110 + more * 2) * 100), services },
    probed: {
      requests: 100,
      // Half of the decisions mint, which takes 10 more than minting alone.
      gateway: reading(42 + more * 2),
      services: [...services.slice(0, 2), ...[1, 2].map(() => service(reading(9), ofProbes, reading(140 + more)))],
    },
    seconds: 2,
  };
};

describe('unit times', () => {
  it('are those of each step in its place', () => {
    expect(unitTimesOf(pace(), SIZES)).toEqual({
      requestsPerSecond: 50,
      algorithms: Object.fromEntries(
        TOKEN_ALGORITHMS.map((name) => [name, { verifyMicros: 110, signMicros: 40, mintMicros: 70 }]),
      ),
      hits: [4, 7],
      store: 30,
      sharedHit: 20,
      reuse: 6,
      proxy: 100,
      request: 146,
    });
  });

  it('are refused when a step was never taken', () => {
    const { store: _store, ...others } = probes(0);
    expect(() => unitTimesOf(pace(0, others), SIZES)).toThrow('took no step of "store"');
    const idle = { ...probes(0), 'shared hit': reading(0, 0, 0) };
    expect(() => unitTimesOf(pace(0, idle), SIZES)).toThrow('took no step of "shared hit"');
  });

  it('are never negative, however noisy the clock', () => {
    const noisy = { ...probes(0), store: reading(1), 'hit 100000': reading(0), 'mint ES256': reading(1) };
    const times = unitTimesOf(pace(0, noisy), SIZES);
    expect(times.store).toBe(0);
    expect(times.hits).toEqual([4, 4]);
    // No algorithm mints for less than it signs.
    expect(times.algorithms.HS256.mintMicros).toBeGreaterThanOrEqual(40);
    const free = unitTimesOf(pace(0, { ...probes(0), 'verify ES256': reading(500) }), SIZES);
    expect(free.algorithms.RS256.verifyMicros).toBe(0.05);
  });

  it('of several rounds are the middle ones', () => {
    const rounds = [1, 1000, 3].map((more) => unitTimesOf(pace(more), SIZES));
    expect(medianTimes(rounds).algorithms.RS256.verifyMicros).toBe(113);
    expect(medianTimes(rounds).hits[0]).toBe(7);
  });
});

describe('the file', () => {
  const measured = (): Measurements => ({
    busyRounds: [{ ...unitTimesOf(pace(), SIZES), requestsPerSecond: 500 }],
    rare: unitTimesOf(pace(10), SIZES),
    hops: REFERENCE_CALIBRATION.protocols,
    disturbedBy: 0.123,
    cachedTokenBytes: 987.6,
    txnTokenBytes: 398,
    manyTokens: 100_000,
  });

  it('says what a rarely asked process takes', () => {
    const calibration = parseCalibration(JSON.parse(JSON.stringify(assemble(measured()))));
    expect(calibration.hits).toEqual([
      { tokens: 200, micros: 4 },
      { tokens: 100_000, micros: 7 },
    ]);
    expect(calibration.machine.disturbedBy).toBe(0.12);
    const rare = atPace(calibration, 50);
    expect(rare.hits[0]!.micros).toBe(14);
    expect(rare.algorithms.EdDSA).toEqual({ verifyMicros: 120, signMicros: 50, mintMicros: 80 });
    expect(rare.reuseMicros).toBe(16);
  });

  it('adds nothing where the low rate happened to be cheaper', () => {
    const { rare, busyRounds, ...others } = measured();
    const calibration = assemble({
      ...others,
      rare: { ...busyRounds[0]!, requestsPerSecond: 50 },
      busyRounds: [{ ...rare, requestsPerSecond: 500 }],
    });
    expect(Object.values(calibration.rarely!.extraMicros)).toEqual([0, 0, 0, 0, 0, 0, 0, 0, 0]);
  });

  it('is shown at both paces', () => {
    const text = calibrationTable(assemble(measured()));
    expect(text).toMatch(/us of processor time +at 500\/s +at 50\/s\nverify RS256 +110\.0 +120\.0\n/);
    expect(text).toMatch(/hit, cache of 100,000 +7\.00 +17\.0\n/);
    expect(calibrationTable(REFERENCE_CALIBRATION)).toContain('octets per hop');
  });
});
