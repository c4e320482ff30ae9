import { describe, expect, it } from 'vitest';
import {
  DEFAULT_SCENARIO,
  REFERENCE_CALIBRATION,
  REMEDIES,
  type Scenario,
  ShapeError,
  grow,
  observe,
  parseScenario,
  plan,
  withObserved,
  withRemedies,
} from '../src/index.ts';
import { visitsOf } from '../src/call-graph.ts';
import { entriesInLife, indexedShare, tokensInTable } from '../src/model/header-table.ts';

describe('a scenario', () => {
  it('refuses everything that is wrong with it, by name', () => {
    const wrong = {
      users: 0,
      speed: 1,
      services: { orders: { calls: { stock: 1 } } },
      token: { algorithm: 'none' },
      remedies: { prayer: true },
      limits: { utilization: 1 },
    };
    expect(() => parseScenario(wrong)).toThrow(ShapeError);
    try {
      parseScenario(wrong);
    } catch (error) {
      expect((error as ShapeError).message.split('\n')).toEqual([
        'scenario.users: must be at least 1',
        'scenario.services.orders.calls.stock: is not one of the services',
        'scenario.token.algorithm: must be one of RS256, PS256, ES256, EdDSA, HS256',
        'scenario.limits.utilization: must be at most 0.99',
        'scenario.remedies.prayer: is not a setting',
        'scenario.speed: is not a setting',
      ]);
    }
  });

  it('takes what is left out from another one', () => {
    expect(parseScenario({})).toEqual(DEFAULT_SCENARIO);
  });

  it('counts visits over every path, a diamond included', () => {
    const service = (name: string, calls: Record<string, number>) => ({ name, calls, workMicros: 0, instances: 1, threads: 1 });
    const diamond = [service('a', { b: 2, c: 1 }), service('c', { d: 3 }), service('b', { d: 1, c: 1 }), service('d', {})];
    expect(Object.fromEntries(visitsOf(diamond))).toEqual({ a: 1, b: 2, c: 3, d: 11 });
  });
});

describe('header tables', () => {
  it('index no token above 3/4 of the table (ND-3)', () => {
    expect(tokensInTable(4_096, 3_031)).toBe(1);
    expect(tokensInTable(4_096, 3_032)).toBe(0);
  });

  it('hold all callers, or thrash: as measured with node:http2', () => {
    const share = (tableBytes: number, users: number): number =>
      indexedShare({ tableBytes, tokenBytes: 393, callers: [{ users, requestsPerSecond: 10 }], tokenSeconds: 3_600 });
    expect(share(4_096, 1)).toBeGreaterThan(0.999);
    expect(share(4_096, 1_000)).toBeLessThan(0.02);
    expect(share(1_000_000, 1_000)).toBeGreaterThan(0.999);
    const shares = [1_000, 4_096, 20_000, 100_000, 1_000_000].map((bytes) => share(bytes, 1_000));
    expect(shares).toEqual(shares.toSorted((one, other) => one - other));
  });

  it('insert a token once while it stays, and again after each eviction', () => {
    expect(entriesInLife(1, 10, 10)).toBe(1);
    expect(entriesInLife(1_000, 100, 1)).toBeCloseTo(100, -1);
  });
});

describe('plan', () => {
  const planned = plan(DEFAULT_SCENARIO);

  it('has the four sizes', () => {
    expect(planned.rows.map(({ users, requestsPerSecond }) => [users, requestsPerSecond])).toEqual([
      [100, 50],
      [10_000, 5_000],
      [1_000_000, 500_000],
      [100_000_000, 50_000_000],
    ]);
  });

  it('is the same for the same input', () => {
    expect(plan(DEFAULT_SCENARIO)).toEqual(planned);
  });

  it('calls nothing measured that nobody has run', () => {
    expect(JSON.stringify(planned)).not.toContain('"measured"');
    expect(JSON.stringify(planned)).toContain('"extrapolated"');
  });

  it('without remedies checks every token at every service, and grows in proportion', () => {
    const [first, ...others] = planned.rows.map(({ without, users }) => ({ without, users }));
    expect(first!.without.signatureChecksPerRequest.value).toBe(4);
    for (const { without, users } of others) {
      const factor = users / first!.users;
      expect(without.perLink.gigabitsPerSecond / first!.without.perLink.gigabitsPerSecond).toBeCloseTo(factor);
      expect(without.allHops.megabytesPerSecond).toBeCloseTo(5 * 1_424e-6 * users * 0.5);
    }
  });

  it('without instances that follow the load is overloaded at a million users, with them it is not', () => {
    const million = planned.rows[2]!;
    expect(million.without.latency).toBeNull();
    expect(million.without.verificationShare.value).toBeGreaterThan(1);
    expect(million.with.latency).not.toBeNull();
    expect(million.with.instances.value).toBeGreaterThan(100);
  });

  it('names limits in the order in which they are reached', () => {
    for (const { without, with: remedied } of planned.rows)
      for (const { bottlenecks } of [without, remedied]) {
        const loads = bottlenecks.map(({ requestsPerSecond }) => requestsPerSecond.value);
        expect(loads).toEqual(loads.toSorted((one, other) => one - other));
        expect(loads.length).toBeGreaterThan(0);
      }
    expect(planned.rows[1]!.without.bottlenecks[0]).toMatchObject({ resource: 'cpu', place: 'orders' });
  });

  it('costs less where prices are lower, and nothing where they are nothing', () => {
    const cheap: Scenario = { ...DEFAULT_SCENARIO, prices: { currency: 'EUR', cpuHour: 0, trafficGigabyte: 0 } };
    expect(plan(cheap).now.with.monthlyCost.value).toBe(0);
  });
});

describe('advice', () => {
  it('has all seven, in the order of what they save', () => {
    const { advice } = plan(DEFAULT_SCENARIO);
    expect(advice.map(({ remedy }) => remedy).toSorted()).toEqual(REMEDIES.toSorted());
    const saved = advice.map(({ savesPerMonth }) => savesPerMonth.value);
    expect(saved).toEqual(saved.toSorted((one, other) => other - one));
    for (const { reason } of advice) expect(reason).toMatch(/\d|offloading/);
  });

  it('says where the remedies take more cores than they spare, why, and what would help', () => {
    const spread = parseScenario({ users: 1_000_000, affinity: 'none' });
    const { now, remarks } = plan(spread);
    expect(now.with.cores.value).toBeGreaterThan(now.without.cores.value);
    const remark = remarks.find((text) => text.startsWith('At 1,000,000 users the remedies take'))!;
    expect(remark).toContain('threads of the gateway, each of which remembers and mints on its own');
    // What it advises is so.
    const sticky = plan({ ...spread, affinity: 'instance' }).now.with.cores.value;
    expect(sticky).toBeLessThan(now.with.cores.value * 0.8);
    expect(remark).toContain(`(affinity: instance): ${Math.round(sticky)} cores`);
    expect(remarks.at(-1)).toMatch(/^At 1,000,000 users these cost more than they save, as things are: /);
    expect(plan({ ...spread, affinity: 'instance' }).remarks.join()).not.toContain('affinity: instance');
  });

  it('says where caches are so small that they may do better than is promised', () => {
    const remarksWith = (entries: number): string =>
      plan(parseScenario({ users: 20_000, affinity: 'thread', cache: { entries } })).remarks.join('\n');
    expect(remarksWith(1_000)).toContain(
      'At 10,000, 20,000, 1,000,000, 100,000,000 users the caches of the gateway are full, and small',
    );
    expect(remarksWith(50_000)).not.toContain('the caches of the gateway are full');
  });

  it('when traffic grows: instances first, then caching, then cleverness that pays', () => {
    const { breaks, steps } = grow(
      withRemedies({ ...DEFAULT_SCENARIO, token: { ...DEFAULT_SCENARIO.token, algorithm: 'EdDSA' } }, []),
      10,
    );
    expect(breaks).toMatchObject({ resource: 'cpu', place: 'orders' });
    expect(steps.slice(0, 2).map(({ remedy }) => remedy)).toEqual(['scaling', 'caching']);
    const costs = steps.slice(1).map(({ monthlyCostAfter }) => monthlyCostAfter.value);
    expect(costs).toEqual(costs.toSorted((one, other) => other - one));
  });

  it('refuses to grow by nothing', () => {
    for (const factor of [1, 0, -1, Number.NaN, Number.POSITIVE_INFINITY])
      expect(() => grow(DEFAULT_SCENARIO, factor)).toThrow(RangeError);
  });
});

describe('what a gateway has measured', () => {
  const metrics = (requests: number, hits: number): string =>
    [
      `watchword_requests_total{route="/a",status="200"} ${requests}`,
      `watchword_cache_hits_total ${hits}`,
      `watchword_cache_misses_total ${requests - hits}`,
      `watchword_cache_saved_seconds_total ${hits * 40e-6}`,
      `watchword_signature_checks_total ${requests - hits}`,
      `watchword_hop_requests_total{hop="orders"} ${requests}`,
      `watchword_hop_bytes_total{hop="orders",direction="sent"} ${requests * 500}`,
      `watchword_hop_body_bytes_total{hop="orders",direction="sent"} ${requests * 100}`,
      'watchword_cache_entries 7',
    ].join('\n');

  it('is the difference of two looks', () => {
    const observed = observe('here', { text: metrics(100, 0), atMs: 0 }, { text: metrics(300, 180), atMs: 2_000 });
    expect(observed).toMatchObject({ requestsPerSecond: 100, hitRatio: 0.9, signatureChecksPerRequest: 0.1, cacheEntries: 7 });
    expect(observed.verifyMicros).toBeCloseTo(40);
    expect(observed.hops).toEqual([{ hop: 'orders', bytesPerRequest: 400, requestsPerSecond: 100 }]);
    const { now } = plan(withObserved(DEFAULT_SCENARIO, observed), REFERENCE_CALIBRATION);
    expect(now.requestsPerSecond).toBe(100);
    expect(now.with.hitRatio).toEqual({ value: 0.9, basis: 'measured' });
    expect(now.without.hitRatio.basis).toBe('extrapolated');
  });

  it('refuses what is no gateway, and looks at one time', () => {
    expect(() => observe('here', { text: 'hello', atMs: 0 }, { text: 'hello', atMs: 1 })).toThrow('no metrics');
    expect(() => observe('here', { text: metrics(1, 0), atMs: 1 }, { text: metrics(1, 0), atMs: 1 })).toThrow(RangeError);
  });
});
