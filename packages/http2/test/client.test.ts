import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { once } from 'node:events';
import type { IncomingHttpHeaders } from 'node:http2';
import { text } from 'node:stream/consumers';
import { callerOf, createTrustDomain } from '@watchword/conformance';
import {
  HEADER_BUDGET_CHANNEL,
  type Identity,
  TXN_TOKEN_NOT_INDEXED_CHANNEL,
  createPropagator,
  currentIdentity,
  runAnonymous,
  runWithIdentity,
} from '@watchword/core';
import { type Http2Client, type Http2ClientOptions, createHttp2Client } from '@watchword/http2';
import { beforeAll, describe, expect, it } from 'vitest';
import { type Lent, withServer } from './server.ts';

const traffic = { callers: 10 };
let identity: Identity;
beforeAll(async () => {
  identity = (await callerOf(createTrustDomain(), 'user-1')).identity;
});

describe('refuses', () => {
  it.each([
    [{ propagator: {} }, 'make it with createPropagator'],
    [{ authorization: 'forward' }, 'must be "strip" or "outside"'],
    [{ index: 'always' }, 'indexing.index'],
    [{ neverIndex: ['Txn-Token'] }, 'say index: "never"'],
    [{ neverIndex: 'x' }, 'must be a list of header names'],
    [{ headerBudgetBytes: 0 }, 'headerBudgetBytes'],
    [{ callers: 3 }, 'http2Client.callers: unknown option'],
  ])('%j', (options, message) => {
    const propagator = createPropagator({});
    expect(() => createHttp2Client({ propagator, traffic, ...options } as Http2ClientOptions)).toThrow(message);
  });
});

// What arrives of a request, and from which connection.
async function echoed(
  headers: Record<string, string>,
  options: Partial<Http2ClientOptions>,
  isInside: boolean,
): Promise<IncomingHttpHeaders> {
  return withServer(
    (req, res) => void res.end(JSON.stringify(req.headers)),
    async ({ origin }) => {
      const propagator = createPropagator(isInside ? { destinations: [origin] } : {});
      const client = createHttp2Client({ propagator, traffic, ...options });
      const body = await runWithIdentity(identity, () => text(client.request(`${origin}/a?b=1`, headers)));
      await client.close();
      return JSON.parse(body);
    },
  );
}

describe('the external token', () => {
  it('goes nowhere, under any spelling, inside and outside', async () => {
    for (const name of ['authorization', 'Authorization', 'AUTHORIZATION'])
      for (const isInside of [true, false])
        expect(await echoed({ [name]: 'Bearer external' }, {}, isInside)).not.toHaveProperty('authorization');
  });

  it('stays behind inside the trust domain whatever is asked for; outside a service may show credentials of its own', async () => {
    expect(await echoed({ authorization: 'Basic own' }, { authorization: 'outside' }, true)).not.toHaveProperty('authorization');
    expect(await echoed({ authorization: 'Basic own' }, { authorization: 'outside' }, false)).toMatchObject({
      authorization: 'Basic own',
    });
  });
});

it('sends what the address says, whatever the headers say', async () => {
  const lies = { host: 'evil', ':authority': 'evil', ':path': '/evil', ':scheme': 'https', connection: 'close', 'X-Kept': '1' };
  const seen = await echoed(lies, {}, true);
  expect(seen).toMatchObject({ ':path': '/a?b=1', ':scheme': 'http', 'x-kept': '1' });
  expect(JSON.stringify(seen)).not.toContain('evil');
});

it('runs the events of a request as its caller', async () => {
  const seen = new Set<string>();
  await call(
    (_req, res) => void res.end('body'),
    async (client, { origin }) => {
      const stream = client.request(origin);
      for (const event of ['response', 'data', 'end']) stream.on(event, () => seen.add(currentIdentity().subject));
      await once(stream, 'close');
    },
  );
  expect([...seen]).toEqual(['user-1']);
});

it('tells a request of the end of a connection that another caller opened as its own caller (D5)', async () => {
  const other = (await callerOf(createTrustDomain(), 'user-2')).identity;
  const seen: string[] = [];
  await call(
    (req, res) => void (req.url === '/open' ? res.end() : res.write('half')),
    async (client, { origin, sessions }) => {
      await runWithIdentity(other, () => text(client.request(`${origin}/open`)));
      const stream = client.request(`${origin}/pending`);
      for (const event of ['aborted', 'error', 'close']) stream.on(event, () => seen.push(currentIdentity().subject));
      await once(stream, 'data');
      for (const session of sessions) session.destroy();
      await new Promise((resolve) => stream.once('close', resolve));
    },
  );
  expect(seen.length).toBeGreaterThan(0);
  expect(new Set(seen)).toEqual(new Set(['user-1']));
});

it('opens a new connection when the server takes its leave, and one only', async () => {
  await call(
    (_req, res) => void res.end('here'),
    async (client, { origin, sessions }) => {
      expect(await text(client.request(origin))).toBe('here');
      for (const session of sessions) session.goaway();
      await new Promise((resolve) => setTimeout(resolve, 50));
      expect(await text(client.request(origin))).toBe('here');
      await Promise.all([text(client.request(origin)), text(client.request(origin))]);
      expect(sessions.size).toBe(2);
    },
  );
});

it('tells a request that nobody listens, and survives (F5)', async () => {
  const client = createHttp2Client({ propagator: createPropagator({}), traffic });
  const stream = runAnonymous(() => client.request('http://127.0.0.1:1/'));
  const [error] = await once(stream, 'error').catch((thrown: Error) => [thrown]);
  expect(error).toMatchObject({ cause: { code: 'ECONNREFUSED' } });
  client.destroy();
});

describe('warns', () => {
  it('of a token that the table of the connection does not index, by its size and without it (ND-3)', async () => {
    const heard = await warnings(TXN_TOKEN_NOT_INDEXED_CHANNEL, { traffic: { callers: 1, tokenBytes: 1, maxTableBytes: 4096 } });
    expect(heard).toEqual([]);
    // A peer that allows a table of 300 octets.
    const small = await warnings(TXN_TOKEN_NOT_INDEXED_CHANNEL, {}, { settings: { headerTableSize: 300 } });
    expect(small).toEqual([{ place: expect.stringMatching(/^http:/), entryBytes: expect.any(Number), tableBytes: 300 }]);
  });

  it('of a header list near what the receiver takes, or the budget that was set (HP-6)', async () => {
    expect(await warnings(HEADER_BUDGET_CHANNEL, {})).toEqual([]);
    expect(await warnings(HEADER_BUDGET_CHANNEL, {}, { settings: { maxHeaderListSize: 600 } })).toMatchObject([
      { budgetBytes: 600 },
    ]);
    expect(await warnings(HEADER_BUDGET_CHANNEL, { headerBudgetBytes: 600 })).toMatchObject([{ budgetBytes: 600 }]);
  });

  async function warnings(name: string, options: Partial<Http2ClientOptions>, settings = {}): Promise<unknown[]> {
    const heard: unknown[] = [];
    const note = (message: unknown): void => void heard.push(message);
    await call(
      (_req, res) => void res.end(),
      async (client, { origin }) => {
        // The settings of the receiver are known from the first answer on.
        await text(client.request(origin));
        subscribe(name, note);
        await text(client.request(origin));
        unsubscribe(name, note);
      },
      options,
      settings,
    );
    return heard;
  }
});

async function call(
  listener: Parameters<typeof withServer>[0],
  work: (client: Http2Client, lent: Lent) => Promise<void>,
  options: Partial<Http2ClientOptions> = {},
  settings: object = {},
): Promise<void> {
  await withServer(
    listener,
    async (lent) => {
      const client = createHttp2Client({ propagator: createPropagator({ destinations: [lent.origin] }), traffic, ...options });
      await runWithIdentity(identity, () => work(client, lent));
      await client.close();
    },
    settings,
  );
}
