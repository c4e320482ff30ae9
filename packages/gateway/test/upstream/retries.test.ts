import { describe, expect, test } from 'vitest';
import { amount, freshSeed } from '../../../core/test/support/campaign.ts';
import { mayRetry } from '../../src/upstream/retry-policy.ts';
import { RetryBudget } from '../../src/upstream/retry-budget.ts';
import { NotProcessed } from '../../src/upstream/target.ts';
import { startEdge } from '../support/edge.ts';
import { type Fault, type FaultyUpstream, startFaultyUpstream } from '../support/faulty-upstream.ts';
import { startUpstream } from '../support/upstream.ts';

const died = Object.assign(new Error('x'), { code: 'UND_ERR_SOCKET' });
const slow = Object.assign(new Error('x'), { code: 'UND_ERR_HEADERS_TIMEOUT' });
const refused = Object.assign(new Error('x'), { code: 'ECONNREFUSED' });

describe('which attempts may be repeated', () => {
  // prettier-ignore
  const cases: [name: string, method: string, sent: boolean, error: Error, may: boolean][] = [
    ['a POST of which a byte may have arrived', 'POST', true, died, false],
    ['a PATCH of which a byte may have arrived', 'PATCH', true, died, false],
    ['a method nobody knows', 'BUY', true, died, false],
    ['a GET that waited too long', 'GET', true, slow, false],
    ['a GET with an answer that is no HTTP', 'GET', true, Object.assign(new Error('x'), { code: 'HPE_INVALID_CONSTANT' }), false],
    ['a request that cannot be sent', 'GET', false, Object.assign(new Error('x'), { code: 'UND_ERR_INVALID_ARG' }), false],
    ['a POST that never left', 'POST', false, refused, true],
    ['a GET whose connection died', 'GET', true, died, true],
    ['a DELETE whose connection died', 'DELETE', true, died, true],
    ['a POST that the target has not touched', 'POST', true, new NotProcessed(), true],
  ];
  for (const [name, method, sent, error, may] of cases) {
    test(`${name}: ${may ? 'yes' : 'no'}`, () => {
      expect(mayRetry({ method, sent, error })).toBe(may);
    });
  }
});

describe('the budget', () => {
  test('permits a share of the requests, whatever the outage', () => {
    const budget = new RetryBudget(20);
    let spent = 0;
    for (let request = 0; request < 1000; request += 1) {
      budget.earn();
      while (budget.spend()) spent += 1;
    }
    expect(spent).toBeGreaterThanOrEqual(200);
    expect(spent).toBeLessThanOrEqual(210);
  });

  test('cannot be saved up', () => {
    const budget = new RetryBudget(20);
    for (let request = 0; request < 100_000; request += 1) budget.earn();
    let spent = 0;
    while (budget.spend()) spent += 1;
    expect(spent).toBeLessThanOrEqual(11);
  });

  test('of nothing permits nothing', () => {
    const budget = new RetryBudget(0);
    for (let request = 0; request < 100; request += 1) budget.earn();
    expect(budget.spend()).toBe(false);
  });

  test('holds in an outage of all targets', async () => {
    const targets = await Promise.all([0, 1].map(() => startFaultyUpstream(() => 'close')));
    const edge = await startEdge('', { upstreams: { main: { targets: targets.map(({ url }) => url), retries: 3 } } });
    const requests = 200;
    for (let id = 0; id < requests; id += 1) {
      expect((await fetch(`${edge.url}/public/x`, { headers: { 'x-id': String(id) } })).status).toBe(502);
    }
    let delivered = 0;
    for (const { deliveries } of targets) for (const times of deliveries.values()) delivered += times;
    expect(delivered).toBeGreaterThan(requests * 1.15);
    expect(delivered).toBeLessThanOrEqual(requests * 1.2 + 10);
  });
});

describe('through the edge', () => {
  test('a target that cannot be reached costs nobody an answer, whatever the method', async () => {
    const upstream = await startUpstream(async (request, response) => {
      let body = '';
      for await (const chunk of request) body += chunk;
      response.end(`${request.method} ${body}`);
    });
    const edge = await startEdge('', {
      upstreams: { main: { targets: ['http://127.0.0.1:1', upstream.url], retryPercent: 100, ejection: { failures: 0 } } },
    });
    for (let round = 0; round < 20; round += 1) {
      const response = await fetch(`${edge.url}/public/x`, { method: 'POST', body: `order ${round}` });
      expect(await response.text()).toBe(`POST order ${round}`);
    }
    expect(upstream.seen).toHaveLength(20);
    const retries = /watchword_upstream_retries_total\{upstream="main",target="1"\} (\d+)/.exec(await edge.metrics());
    expect(Number(retries?.[1])).toBeGreaterThan(0);
  });

  test('an idempotent request with a short body is sent again with all of it', async () => {
    let first = true;
    const upstream = await startUpstream(async (request, response) => {
      let body = '';
      for await (const chunk of request) body += chunk;
      if (first) request.socket.destroy();
      else response.end(body);
      first = false;
    });
    const edge = await startEdge(upstream.url);
    const response = await fetch(`${edge.url}/public/x`, { method: 'PUT', body: 'all of it' });
    expect([response.status, await response.text()]).toEqual([200, 'all of it']);
  });

  test('a long one is not', async () => {
    const upstream = await startUpstream(async (request) => {
      for await (const _ of request);
      request.socket.destroy();
    });
    const edge = await startEdge(upstream.url);
    const body = 'x'.repeat(100_000);
    expect((await fetch(`${edge.url}/public/x`, { method: 'PUT', body })).status).toBe(502);
    expect(upstream.seen).toHaveLength(1);
  });

  test('retries: 0 means none', async () => {
    const upstream = await startUpstream((request) => void request.socket.destroy());
    const edge = await startEdge(upstream.url, { upstream: { retries: 0 } });
    expect((await fetch(`${edge.url}/public/x`)).status).toBe(502);
    expect(upstream.seen).toHaveLength(1);
  });

  test('never after the answer has begun', async () => {
    const upstream = await startFaultyUpstream(() => 'half a body');
    const edge = await startEdge(upstream.url, { upstream: { retries: 3 } });
    const response = await fetch(`${edge.url}/public/x`, { headers: { 'x-id': 'once' } });
    await expect(response.text()).rejects.toThrow();
    expect(upstream.deliveries.get('once')).toBe(1);
  });
});

const FAULTS: readonly Fault[] = [
  'answer',
  'answer',
  'answer and close',
  'unavailable',
  'reset',
  'close',
  'reset after the body',
  'close after the body',
  'half a header',
  'half a body',
  'reset the connection',
];
const METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'POST'] as const;
const RETRIES = 2;

test('whatever breaks where: no request that is not idempotent arrives twice, and no answer is that of another request', async () => {
  const seed = freshSeed();
  const random = mulberry(seed);
  const pick = <Item>(items: readonly Item[]): Item => items[Math.floor(random() * items.length)]!;
  const targets = await Promise.all([0, 1, 2].map(() => startFaultyUpstream(() => pick(FAULTS))));
  const urls = [...targets.map(({ url }) => url), 'http://127.0.0.1:1'];
  const edge = await startEdge('', {
    upstreams: { main: { targets: urls, retries: RETRIES, retryPercent: 100, ejection: { baseMs: 1, maxMs: 5 } } },
  });
  const statuses = new Map<number, number>();
  const one = async (id: string, method: string): Promise<void> => {
    const body = method === 'GET' || random() < 0.3 ? undefined : `body of ${id}`;
    const response = await fetch(`${edge.url}/public/x`, {
      method,
      headers: { 'x-id': id },
      ...(body === undefined ? {} : { body }),
    });
    const text = await response.text().catch(() => 'cut off');
    statuses.set(response.status, (statuses.get(response.status) ?? 0) + 1);
    const times = total(targets, id);
    const label = `seed ${seed}: ${method} ${id} ${response.status}`;
    expect(times, label).toBeLessThanOrEqual(method === 'POST' || method === 'PATCH' ? 1 : 1 + RETRIES);
    if (response.status === 200) expect([id, 'cut off'], label).toContain(text);
    if (response.status === 200) expect(times, label).toBeGreaterThan(0);
  };
  const requests = amount(600, 20_000);
  for (let next = 0; next < requests; next += 10) {
    await Promise.all(Array.from({ length: 10 }, (_, index) => one(`r${next + index}`, pick(METHODS))));
  }
  // All that can happen did happen.
  expect([...statuses.keys()].sort()).toEqual([200, 502, 503]);
  expect(statuses.get(200)!).toBeGreaterThan(requests / 10);
  const seen = new Set<string>();
  let repeated = 0;
  for (const { deliveries } of targets) {
    for (const id of deliveries.keys()) {
      if (seen.has(id)) repeated += 1;
      seen.add(id);
    }
  }
  expect(repeated).toBeGreaterThan(0);
}, 600_000);

function total(targets: readonly FaultyUpstream[], id: string): number {
  return targets.reduce((sum, target) => sum + (target.deliveries.get(id) ?? 0), 0);
}

/** A generator that a seed replays. */
function mulberry(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
