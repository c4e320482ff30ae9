import { TOKEN_ALGORITHMS, atPace, parseCalibration, REFERENCE_CALIBRATION } from '@watchword/planner';
import { describe, expect, it } from 'vitest';
import { type Measurements, assemble } from '../../src/calibrate/assemble.ts';
import { calibrationTable } from '../../src/calibrate/calibration-text.ts';
import type { CpuReading } from '../../src/calibrate/cpu-meter.ts';
import type { BusyRound, RareRound } from '../../src/calibrate/rounds.ts';
import type { ServiceReading } from '../../src/calibrate/service-process.ts';
import type { StageReading } from '../../src/calibrate/stage.ts';
import { middleOf, paceTimesOf, probeTimesOf, together } from '../../src/calibrate/unit-times.ts';

const reading = (each: number, steps: number, processMicros = 0): CpuReading => ({
  stepMicros: each * steps,
  steps,
  processMicros,
});

const service = (processMicros: number, probes: ServiceReading['probes'] = {}): ServiceReading => ({
  admit: reading(4, 60, processMicros),
  firstUse: reading(150, 40),
  own: reading(20, 100),
  probes,
});

/** 100 requests in 2 s, 40 of them with a token of their own. */
const stageReading = (probes: ServiceReading['probes'] = {}): StageReading => ({
  requests: 100,
  seconds: 2,
  gateway: { known: reading(10, 60, 100 * 200), minting: reading(94, 40) },
  services: [service(0), service(100 * 270), service(0, probes), service(0, probes)],
});

describe('times of one pace', () => {
  it('are those of each step in its place', () => {
    expect(paceTimesOf(stageReading())).toEqual({
      requestsPerSecond: 50,
      firstUsesPerSecond: 20,
      hit: 4,
      firstUse: 150,
      reuse: 6,
      mint: 90,
      // What the decisions took is not the proxy's: 60 of 10 and 40 of 94.
      proxy: 200 - 43.6,
      // 60 hits of 4 and 40 first uses of 150.
      request: 250 - 62.4,
    });
  });

  it('are those of services that take no further steps, whose memory is not full of what those need', () => {
    const full = { ...service(0, { store: reading(30, 10) }), admit: reading(9, 60), firstUse: reading(300, 40) };
    const { services, ...others } = stageReading();
    expect(paceTimesOf({ ...others, services: services.with(3, full) })).toMatchObject({ hit: 4, firstUse: 150 });
  });

  it('are refused when a step was never taken', () => {
    const { gateway, ...others } = stageReading();
    const idle = { ...others, gateway: { ...gateway, minting: reading(0, 0) } };
    expect(() => paceTimesOf(idle)).toThrow('took no step of "minting"');
    expect(() => probeTimesOf(stageReading({ store: reading(0, 0) }))).toThrow('took no step of "store"');
  });

  it('are never negative, however noisy the clock', () => {
    const noisy: StageReading = { ...stageReading(), gateway: { known: reading(1, 60), minting: reading(1, 40) } };
    expect(paceTimesOf(noisy)).toMatchObject({ reuse: 0, mint: 0.05, proxy: 1 });
  });

  it('of several rounds are the middle of each step, which one that was disturbed does not move', () => {
    const rounds = [paced(50, 10, 1), paced(50, 10, 500), paced(50, 10, 2)];
    expect(middleOf(rounds)).toEqual(paceTimesOf(rounds[2]!));
    expect(middleOf(rounds.slice(0, 2)).hit).toBe((paceTimesOf(rounds[0]!).hit + paceTimesOf(rounds[1]!).hit) / 2);
  });

  it('of several rounds as one are those of all requests', () => {
    const few: StageReading = {
      ...stageReading({ store: reading(30, 10) }),
      requests: 300,
      seconds: 8,
      gateway: { known: reading(20, 180), minting: reading(94, 40) },
    };
    const both = together([stageReading({ store: reading(60, 5) }), few]);
    expect(paceTimesOf(both)).toMatchObject({ requestsPerSecond: 40, firstUsesPerSecond: 8, hit: 4, reuse: 13.5, mint: 90 });
    expect(probeTimesOf(both)).toEqual({ perSecond: 1.5, steps: { store: 40 } });
  });
});

describe('times of further steps', () => {
  it('are means over the services that take them; the rate is that of each step in each service', () => {
    const probes = { store: reading(30, 10), sign: reading(40, 10) };
    expect(probeTimesOf(stageReading(probes))).toEqual({ perSecond: 5, steps: { store: 30, sign: 40 } });
  });
});

/** 10 s in which so many requests and first uses happen each second, and each step takes so much more. */
const paced = (perSecond: number, firstUses: number, more = 0): StageReading => {
  const [known, fresh] = [(perSecond - firstUses) * 10, firstUses * 10];
  const processMicros = 100_000 * perSecond;
  const admitted = {
    admit: reading(4 + more, known, processMicros),
    firstUse: reading(140 + more, fresh),
    own: reading(20, 0),
    probes: {},
  };
  return {
    requests: perSecond * 10,
    seconds: 10,
    gateway: { known: reading(10 + 2 * more, known, processMicros), minting: reading(84 + 2 * more, fresh) },
    services: [admitted, admitted, admitted, admitted],
  };
};

const steps = (more = 0): Record<string, number> => ({
  ...Object.fromEntries(
    TOKEN_ALGORITHMS.flatMap((name, index) => [
      [`verify ${name}`, 100 + index + more],
      [`sign ${name}`, 40 + more],
      [`mint ${name}`, 60 + index + more],
    ]),
  ),
  'hit 1000': 5 + more,
  'hit 100000': 8 + more,
  store: 134 + more,
  'shared hit': 20 + more,
});

/** 10 s in which one service takes each further step so often each second. */
const probed = (perSecond: number, each = steps()): StageReading => {
  const base = paced(100, 50);
  const probes = Object.fromEntries(Object.entries(each).map(([name, micros]) => [name, reading(micros, perSecond * 10)]));
  return { ...base, services: base.services.with(3, { ...base.services[3]!, probes }) };
};

const busyRound = (): BusyRound => ({ few: paced(800, 40, 2), many: paced(500, 450), probes: probed(20) });
const rareRound = (): RareRound => ({ middle: paced(200, 50, 6), rare: paced(50, 12, 12), probes: probed(2, steps(7)) });

const measured = (busyRounds = [busyRound()], rareRounds = [rareRound()]): Measurements => ({
  busyRounds,
  rareRounds,
  hops: REFERENCE_CALIBRATION.protocols,
  disturbedBy: 0.123,
  cachedTokenBytes: 987.6,
  txnTokenBytes: 398,
  cacheSizes: [1000, 100_000],
});

const costsOf = (from: Measurements): ReturnType<typeof parseCalibration> =>
  parseCalibration(JSON.parse(JSON.stringify(assemble(from))));

describe('the file', () => {
  it('has a first use as verifying and remembering, the algorithms apart by as much as they are alone', () => {
    const { algorithms, storeMicros, hits, reuseMicros, sharedHitMicros, machine } = costsOf(measured());
    // HS256 is the last one: 134 - 104.
    expect(storeMicros).toBe(30);
    expect(TOKEN_ALGORITHMS.map((name) => algorithms[name].verifyMicros)).toEqual([108, 109, 110, 111, 112]);
    // Hits between many first uses took 2 less than those of known callers, who are asked about all the time.
    expect(algorithms.ES256).toEqual({ verifyMicros: 110, signMicros: 40, mintMicros: 78 });
    expect(algorithms.HS256.mintMicros).toBe(78);
    expect(hits).toEqual([
      { tokens: 200, micros: 6 },
      { tokens: 100_000, micros: 9 },
    ]);
    expect([reuseMicros, sharedHitMicros]).toEqual([8, 20]);
    expect(machine.disturbedBy).toBe(0.12);
    expect(machine.spread).toBeUndefined();
  });

  it('says what each step takes at its own rate', () => {
    const { rarely } = costsOf(measured());
    expect(rarely!.hit).toEqual([
      { perSecond: 50, extraMicros: 10 },
      { perSecond: 200, extraMicros: 4 },
      { perSecond: 800, extraMicros: 0 },
    ]);
    expect(rarely!.verify).toEqual([
      { perSecond: 12, extraMicros: 12 },
      { perSecond: 40, extraMicros: 2 },
      { perSecond: 450, extraMicros: 0 },
    ]);
    expect(rarely!.sharedHit).toEqual([
      { perSecond: 2, extraMicros: 7 },
      { perSecond: 20, extraMicros: 0 },
    ]);
    // What was measured is what comes out again.
    const rare = atPace(costsOf(measured()), 12);
    const { firstUse, mint } = paceTimesOf(rareRound().rare);
    expect(rare.algorithms.ES256.verifyMicros + rare.storeMicros).toBe(firstUse);
    expect(rare.algorithms.ES256.mintMicros).toBe(mint);
    expect(atPace(costsOf(measured()), 50).hits[0]!.micros).toBe(paceTimesOf(rareRound().rare).hit);
  });

  it('adds nothing where the low rate happened to be cheaper, and leaves out rates that are hardly lower', () => {
    const cheap: RareRound = { middle: paced(790, 50), rare: paced(50, 12, -1), probes: probed(19) };
    const { rarely } = costsOf(measured([busyRound()], [cheap]));
    expect(rarely!.hit).toEqual([
      { perSecond: 50, extraMicros: 0 },
      { perSecond: 800, extraMicros: 0 },
    ]);
    expect(rarely!.sign).toEqual([{ perSecond: 20, extraMicros: 0 }]);
  });

  it('is never negative, however noisy the clock', () => {
    const noisy = { ...steps(), 'verify ES256': 900, store: 1, 'hit 100000': 0, 'mint ES256': 900 };
    const { algorithms, storeMicros, hits } = costsOf(measured([{ ...busyRound(), probes: probed(20, noisy) }]));
    expect(algorithms.RS256.verifyMicros).toBe(0.05);
    // No algorithm mints for less than it signs.
    expect(algorithms.RS256).toMatchObject({ signMicros: 0.05, mintMicros: 0.05 });
    expect(algorithms.ES256).toMatchObject({ signMicros: 40, mintMicros: 78 });
    expect(storeMicros).toBe(0);
    expect(hits[1]!.micros).toBe(hits[0]!.micros);
  });

  it('says how far rounds were apart', () => {
    const slower: RareRound = { ...rareRound(), rare: paced(50, 12, 20) };
    const { machine } = costsOf(measured([busyRound(), busyRound()], [rareRound(), slower]));
    expect(machine.spread).toEqual({ hit: 0, firstUse: 0, rareHit: 0.2, rareFirstUse: 0.026 });
    // Every third round is a part: what was disturbed in each of them once is the same for all.
    const [six, disturbed] = [Array.from({ length: 9 }, busyRound), [0, 1, 2].map(() => slower)];
    const even = costsOf(measured(six, [...disturbed, ...Array.from({ length: 6 }, rareRound)]));
    expect(even.machine.spread).toEqual({ hit: 0, firstUse: 0, rareHit: 0, rareFirstUse: 0 });
    const text = calibrationTable(costsOf(measured([busyRound(), busyRound()], [rareRound(), slower])));
    expect(text).toContain(
      'Thirds of the rounds differed by +/- 0 % for hits and 0 % for first uses under load, 20 % and 3 % at the low rate.\n',
    );
  });

  it('is shown at both paces', () => {
    const text = calibrationTable(assemble(measured()));
    expect(text).toMatch(/us of processor time +often +per second +rarely +per second\nverify RS256 +108\.0 +450 +120\.0 +12\n/);
    expect(text).toMatch(/hit, cache of 100,000 +9\.00 +800 +19\.0 +50\n/);
    expect(text).not.toContain('differed');
    expect(calibrationTable(REFERENCE_CALIBRATION)).toContain('octets per hop');
    const { rarely: _rarely, ...costs } = REFERENCE_CALIBRATION;
    // Without additions both paces cost the same.
    expect(calibrationTable(costs)).toMatch(/verify ES256 +([\d.]+) +\1 *\n/);
  });
});
