import { describe, expect, test } from 'vitest';
import { createCollector } from '../src/collector.ts';
import { JWKS, METRICS } from './support.ts';

const ORIGIN = 'http://127.0.0.1:9090';

/** A network in which everything can be set. */
function world() {
  const state = {
    nowMs: 1_000_000,
    away: false,
    asked: [] as string[],
    pages: {
      '/readyz': '{"status":"ready"}',
      '/metrics': METRICS,
      '/.well-known/jwks.json': JSON.stringify(JWKS),
    } as Record<string, string>,
  };
  const fetch = async (input: unknown): Promise<Response> => {
    const { pathname } = new URL(String(input));
    state.asked.push(pathname);
    if (state.away) throw Object.assign(new TypeError('fetch failed'), { cause: { code: 'ECONNREFUSED' } });
    const body = state.pages[pathname];
    return new Response(body ?? '', { status: body === undefined ? 404 : 200 });
  };
  const collector = createCollector({
    name: 'edge',
    origin: ORIGIN,
    clock: () => state.nowMs,
    fetch: fetch as typeof globalThis.fetch,
  });
  return { state, collector };
}

describe('a gateway that does not answer as it should', () => {
  test('is away before the first answer, and the reason is told', async () => {
    const { state, collector } = world();
    state.away = true;
    await collector.collect();
    expect(collector.view(0)).toMatchObject({ problem: 'ECONNREFUSED', latest: undefined, earlier: undefined, moments: [] });
  });

  test('keeps its last figures when it goes away, and recovers', async () => {
    const { state, collector } = world();
    await collector.collect();
    state.away = true;
    state.nowMs += 1000;
    await collector.collect();
    expect(collector.view(0)).toMatchObject({ problem: 'ECONNREFUSED', latest: { atMs: 1_000_000, requests: 1000 } });
    state.away = false;
    await collector.collect();
    expect(collector.view(0)).toMatchObject({ problem: undefined, latest: { atMs: 1_001_000 } });
  });

  test.each([
    ['another program', { '/metrics': 'up 1\n' }, 'The answer has no metrics of a gateway'],
    ['no JSON from /readyz', { '/readyz': '<html>' }, /JSON/],
    ['an endless answer', { '/metrics': 'x'.repeat(8_000_001) }, /longer than/],
  ])('%s', async (_, pages, problem) => {
    const { state, collector } = world();
    Object.assign(state.pages, pages);
    await collector.collect();
    expect(collector.view(0).problem).toMatch(problem);
  });

  test('no keys to show: the figures are shown all the same', async () => {
    const { state, collector } = world();
    delete state.pages['/.well-known/jwks.json'];
    await collector.collect();
    expect(collector.view(0)).toMatchObject({ problem: undefined, latest: { publishedKeys: [] } });
  });
});

describe('a gateway that answers', () => {
  test('rates are between now and ten seconds ago; moments are told once', async () => {
    const { state, collector } = world();
    for (let second = 0; second < 15; second += 1) {
      await collector.collect();
      state.nowMs += 1000;
    }
    const view = collector.view(1_012_000);
    expect(view.latest!.atMs - view.earlier!.atMs).toBe(10_000);
    expect(view.moments).toEqual([
      { atMs: 1_013_000, requests: 1000, signatureChecks: 100, avoided: 900 },
      { atMs: 1_014_000, requests: 1000, signatureChecks: 100, avoided: 900 },
    ]);
  });

  test('five minutes are kept', async () => {
    const { state, collector } = world();
    for (let second = 0; second < 305; second += 1) {
      await collector.collect();
      state.nowMs += 1000;
    }
    expect(collector.view(0).moments).toHaveLength(300);
  });

  test('its keys are asked for once a minute', async () => {
    const { state, collector } = world();
    for (let second = 0; second < 61; second += 1) {
      await collector.collect();
      state.nowMs += 1000;
    }
    expect(state.asked.filter((path) => path === '/.well-known/jwks.json')).toHaveLength(2);
  });

  test('a restart begins anew: no rate is below 0', async () => {
    const { state, collector } = world();
    await collector.collect();
    state.nowMs += 1000;
    state.pages['/metrics'] = METRICS.replaceAll(/ \d+$/gm, ' 1');
    await collector.collect();
    const view = collector.view(0);
    expect(view.earlier).toBe(view.latest);
    expect(view.moments).toHaveLength(1);
  });
});
