import { type ExchangeClientOptions, type ExchangeInput, createExchangeClient } from '@watchword/fetch';
import { describe, expect, it } from 'vitest';

const ENDPOINT = 'https://tts.example/batch/exchange';
const TXN = 'urn:ietf:params:oauth:token-type:txn_token';

interface Item {
  readonly subject_token: string;
}

/** A token service, a clock and timers that a test moves. */
function createWorld(options: Partial<ExchangeClientOptions> = {}, answer: (items: Item[], call: number) => unknown = good) {
  let nowMs = 1_800_000_000_000;
  let timers: { readonly atMs: number; readonly run: () => void }[] = [];
  const calls: { items: Item[]; headers: Record<string, string>; body: Record<string, unknown>; init: RequestInit }[] = [];
  const advance = async (byMs: number): Promise<void> => {
    nowMs += byMs;
    const due = timers.filter(({ atMs }) => atMs <= nowMs);
    timers = timers.filter(({ atMs }) => atMs > nowMs);
    for (const { run } of due) run();
    for (let turn = 0; turn < 20; turn += 1) await new Promise(setImmediate);
  };
  const fetch = (async (url: string, init: RequestInit) => {
    const body = JSON.parse(init.body as string) as { requests: Item[] };
    calls.push({ items: body.requests, headers: init.headers as Record<string, string>, body: { ...body }, init });
    expect(url).toBe(ENDPOINT);
    const given = await answer(body.requests, calls.length);
    if (given instanceof Error) throw given;
    if (given === 'hang')
      return new Promise((_, reject) => init.signal!.addEventListener('abort', () => reject(new Error('aborted'))));
    return given instanceof Response ? given : Response.json(given);
  }) as typeof globalThis.fetch;
  const client = createExchangeClient({
    endpoint: ENDPOINT,
    audience: 'inside.example',
    credentials: { clientId: 'orders', secret: 's' },
    fetch,
    clock: () => nowMs,
    schedule: (run, delayMs) => {
      const timer = { atMs: nowMs + delayMs, run };
      timers.push(timer);
      return () => void (timers = timers.filter((one) => one !== timer));
    },
    ...options,
  });
  return {
    client,
    calls,
    advance,
    get timers() {
      return timers.length;
    },
  };
}

function good(items: readonly Item[]): object {
  return { results: items.map(({ subject_token }) => result(subject_token)) };
}

function result(token: string): object {
  return { access_token: `h.${token}.s`, issued_token_type: TXN, token_type: 'N_A', expires_in: 60, scope: 'read' };
}

const input = (subjectToken: string, more: Partial<ExchangeInput> = {}): ExchangeInput => ({
  subjectToken,
  scope: 'read',
  ...more,
});

describe('refusals', () => {
  it.each<[string, object]>([
    ['http to another machine (TT-20)', { endpoint: 'http://tts.example/x' }],
    ['no endpoint', { endpoint: undefined }],
    ['a password in the endpoint', { endpoint: 'https://a:b@tts.example/x' }],
    ['no audience', { audience: '' }],
    ['no client id', { credentials: {} }],
    ['two ways to authenticate', { credentials: { clientId: 'a', secret: 's', assertion: () => 'x' } }],
    ['a batch of none', { maxBatch: 0 }],
    ['a window of minutes', { reuseWindowSeconds: 31 }],
    ['NaN', { timeoutMs: Number.NaN }],
    ['an unknown option', { window: 5 }],
  ])('configuration: %s', (_, change) => {
    expect(() => createWorld(change as never)).toThrow(expect.objectContaining({ code: 'config_invalid' }));
  });

  it('of one item are that item alone', async () => {
    const { client, advance } = createWorld({}, (items) => ({
      results: items.map((item, index) => (index === 1 ? { error: 'invalid_scope', status: 400 } : result(item.subject_token))),
    }));
    const all = Promise.allSettled(['a', 'b', 'c'].map((token) => client.exchange(input(token))));
    await advance(2);
    expect(
      (await all).map((one) => (one.status === 'fulfilled' ? one.value.token : [one.reason.code, one.reason.error])),
    ).toEqual(['h.a.s', ['scope_insufficient', 'invalid_scope'], 'h.c.s']);
  });

  it.each<[string, unknown, string]>([
    ['a wrong secret', Response.json({ error: 'invalid_client' }, { status: 401 }), 'mint_failed'],
    ['too few results', { results: [] }, 'upstream_unavailable'],
    ['no JSON', new Response('<html>'), 'upstream_unavailable'],
    [
      'a result that is no token',
      { results: [{ access_token: 'x', issued_token_type: TXN, expires_in: 60, scope: 'a' }] },
      'upstream_unavailable',
    ],
    ['another type', { results: [{ ...result('a'), issued_token_type: 'x' }] }, 'upstream_unavailable'],
    ['null', { results: [null] }, 'upstream_unavailable'],
    ['an answer without end', new Response('x'.repeat(100_000)), 'upstream_unavailable'],
  ])('an answer with %s', async (_, answer, code) => {
    const { client, advance } = createWorld({}, () => answer);
    const asked = client.exchange(input('a'));
    asked.catch(() => {});
    await advance(2);
    await expect(asked).rejects.toMatchObject({ code });
  });

  it('a token that is none does not take part in a call', async () => {
    const { client, calls } = createWorld();
    for (const bad of ['', 'a b', 'a\n', '\ud800', undefined]) {
      await expect(client.exchange(input(bad as string))).rejects.toMatchObject({ code: 'token_malformed' });
    }
    expect(calls).toHaveLength(0);
  });
});

describe('coalescing', () => {
  it('asks for all of a window in one call, with the credentials once', async () => {
    const { client, calls, advance } = createWorld();
    const all = Promise.all(['a', 'b', 'c'].map((token) => client.exchange(input(token))));
    expect(calls).toHaveLength(0);
    await advance(2);
    expect((await all).map(({ token }) => token)).toEqual(['h.a.s', 'h.b.s', 'h.c.s']);
    expect(calls).toHaveLength(1);
    expect(calls[0]!.headers.authorization).toBe(`Basic ${btoa('orders:s')}`);
    expect(calls[0]!.init.redirect).toBe('error');
    expect(calls[0]!.items[0]).toMatchObject({ audience: 'inside.example', requested_token_type: TXN, scope: 'read' });
  });

  it('equal ones are asked once; what differs in anything is another one', async () => {
    const { client, calls, advance } = createWorld();
    const asked = [
      input('a'),
      input('a'),
      input('a', { scope: 'write' }),
      input('a', { subjectTokenType: 'txn_token' }),
      input('a', { requestDetails: { order: 1 } }),
      input('a', { requestContext: { order: 1 } }),
    ].map((one) => client.exchange(one));
    await advance(2);
    const tokens = await Promise.all(asked);
    expect(tokens[0]).toEqual(tokens[1]);
    expect(calls[0]!.items).toHaveLength(5);
    expect(client.stats()).toEqual({ calls: 1, sent: 5, shared: 1, reused: 0 });
  });

  it('sends a full batch at once, and no more calls at a time than it may', async () => {
    let open = 0;
    let most = 0;
    const { client, calls, advance } = createWorld({ maxBatch: 10, maxInFlight: 2 }, async (items) => {
      most = Math.max(most, (open += 1));
      await new Promise(setImmediate);
      open -= 1;
      return good(items);
    });
    const all = Promise.all(Array.from({ length: 95 }, (_, index) => client.exchange(input(`t${index}`))));
    await advance(2);
    await advance(2);
    expect((await all).map(({ token }) => token)).toEqual(Array.from({ length: 95 }, (_, index) => `h.t${index}.s`));
    expect([most, calls.length]).toEqual([2, 10]);
  });

  it('refuses beyond its queue, and everything once closed', async () => {
    const { client, advance } = createWorld({ maxQueued: 2 });
    const first = [client.exchange(input('a')), client.exchange(input('b'))];
    await expect(client.exchange(input('c'))).rejects.toMatchObject({ code: 'overloaded' });
    await advance(2);
    await Promise.all(first);
    const waiting = client.exchange(input('d'));
    client.close();
    await expect(waiting).rejects.toMatchObject({ code: 'upstream_unavailable' });
    await expect(client.exchange(input('e'))).rejects.toMatchObject({ code: 'upstream_unavailable' });
  });

  it('a client assertion is new for each call, retries included', async () => {
    let made = 0;
    const credentials = { clientId: 'orders', assertion: () => `assertion-${(made += 1)}` };
    const { client, calls, advance } = createWorld({ credentials }, (items, call) =>
      call === 1 ? new Error('reset') : good(items),
    );
    const asked = client.exchange(input('a'));
    await advance(2);
    await advance(50);
    expect((await asked).token).toBe('h.a.s');
    expect(calls.map(({ body }) => body.client_assertion)).toEqual(['assertion-1', 'assertion-2']);
  });
});

describe('time', () => {
  it('tries again after a reset connection and 503, not after a refusal', async () => {
    for (const [first, expected] of [
      [new Error('reset'), 2],
      [new Response('', { status: 503 }), 2],
      [Response.json({ error: 'invalid_client' }, { status: 401 }), 1],
      [Response.json({ error: 'server_error' }, { status: 500 }), 1],
    ] as const) {
      const { client, calls, advance } = createWorld({}, (items, call) => (call === 1 ? first : good(items)));
      const asked = client.exchange(input('a')).catch(() => {});
      await advance(2);
      await advance(50);
      await asked;
      expect(calls).toHaveLength(expected);
    }
  });

  it('gives up after its time, and leaves no timer behind', async () => {
    const world = createWorld({ timeoutMs: 100 }, () => 'hang');
    const asked = world.client.exchange(input('a'));
    asked.catch(() => {});
    await world.advance(2);
    await world.advance(100);
    await expect(asked).rejects.toMatchObject({ code: 'upstream_timeout' });
    expect([world.calls.length, world.timers]).toEqual([1, 0]);
  });

  it.each<[string, Partial<ExchangeClientOptions>]>([
    ['an assertion that is never made', { credentials: { clientId: 'orders', assertion: () => new Promise(() => {}) } }],
    ['a fetch that hears no signal', { fetch: () => new Promise(() => {}) }],
  ])('F10: %s takes no place for ever', async (_, options) => {
    const { client, advance } = createWorld({ timeoutMs: 100, maxInFlight: 1, ...options });
    for (const token of ['a', 'b']) {
      const asked = Promise.allSettled([client.exchange(input(token))]);
      await advance(2);
      await advance(100);
      const outcome = await Promise.race([asked, new Promise((resolve) => setTimeout(resolve, 500, ['it hangs']))]);
      expect(outcome).toMatchObject([{ status: 'rejected', reason: { code: 'upstream_timeout' } }]);
    }
  });

  it('an exchange that waited for as long is not sent any more', async () => {
    const { client, calls, advance } = createWorld({ timeoutMs: 100, maxInFlight: 1, retries: 0 }, () => 'hang');
    const first = client.exchange(input('a'));
    const reasons = Promise.allSettled([first]);
    await advance(2);
    const second = Promise.allSettled([client.exchange(input('b'))]);
    await advance(150);
    await Promise.all([reasons, second]);
    expect((await second)[0]).toMatchObject({ status: 'rejected', reason: { code: 'upstream_timeout' } });
    expect(calls).toHaveLength(1);
  });

  it('reuses a token within its window only, and only if asked to', async () => {
    const never = createWorld();
    const asked = never.client.exchange(input('a'));
    await never.advance(2);
    await asked;
    void never.client.exchange(input('a'));
    await never.advance(2);
    expect(never.calls).toHaveLength(2);

    const { client, calls, advance } = createWorld({ reuseWindowSeconds: 10 });
    const first = client.exchange(input('a'));
    await advance(2);
    await first;
    expect(await client.exchange(input('a'))).toEqual(await first);
    await advance(9_997);
    expect(await client.exchange(input('a'))).toEqual(await first);
    expect(calls).toHaveLength(1);
    await advance(1);
    void client.exchange(input('a'));
    await advance(2);
    expect(calls).toHaveLength(2);
    // A clock set back must not stretch it.
    await advance(-60_000);
    void client.exchange(input('a'));
    await advance(2);
    expect(calls).toHaveLength(3);
  });

  it('never reuses in the last second of a token, and keeps no more than it may', async () => {
    const short = (items: Item[]): object => ({
      results: items.map(({ subject_token }) => ({ ...result(subject_token), expires_in: 2 })),
    });
    const { client, calls, advance } = createWorld({ reuseWindowSeconds: 30, maxRemembered: 1 }, short);
    const ask = async (token: string): Promise<void> => {
      const asked = client.exchange(input(token));
      await advance(2);
      await asked;
    };
    await ask('a');
    await ask('a');
    expect(calls).toHaveLength(1);
    await advance(1000);
    await ask('a');
    expect(calls).toHaveLength(2);
    await ask('b');
    await ask('a');
    expect(calls).toHaveLength(4);
  });
});
