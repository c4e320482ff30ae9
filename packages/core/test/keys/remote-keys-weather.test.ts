/** Remote keys against a server that does everything wrong (C1, C4, C5, C8): never a crash, never the loss of good keys. */
import { type Server, createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { RemoteKeys, RemoteKeysOptions } from '../../src/keys/remote-keys.ts';
import { type JwksServer, answering, misbehaviours, published, serving, startJwksServer } from '../support/jwks-server.ts';
import { testKey } from '../support/keys.ts';
import { remoteKeysAt } from '../support/remote-keys.ts';
import { NOW, makeToken, verifierOf } from '../support/tokens.ts';
import { verdict } from '../support/verdicts.ts';

const good = testKey('ES256', 'good');
const other = testKey('ES256', 'other');
const goodToken = makeToken(good);
const unknownToken = makeToken(testKey('ES256', 'unknown'));

let nowMs: number;
let server: JwksServer;

beforeEach(async () => {
  nowMs = NOW * 1000;
  server = await startJwksServer(serving(published(good)));
});
afterEach(() => server.close());

function remoteKeys(changes: Partial<RemoteKeysOptions> = {}): RemoteKeys {
  return remoteKeysAt(server.url, () => nowMs, { timeoutMs: 10_000, ...changes });
}

/** Answers that nothing but the time limit ends. */
const ENDLESS = new Set([
  'hangs',
  'promises 50 MB and hangs',
  'drips a byte at a time',
  'sends hints without end',
  'changes the protocol',
]);

/** Made once: its bombs take seconds. */
const BEHAVIOURS = misbehaviours([published(good)]);

describe.each(Object.entries(BEHAVIOURS))('a server that %s', (name, behaviour) => {
  // Whoever says that he is done is waited for, however busy the machine is.
  const timeoutMs = ENDLESS.has(name) ? 500 : 10_000;

  it('C5: at the beginning: 503 for each of 0 to 5 tokens at once, no crash, and well again afterwards', async () => {
    const keys = remoteKeys({ timeoutMs });
    const verifier = verifierOf(good, { keys });
    server.behaviour = behaviour;
    for (const count of [0, 1, 2, 5]) {
      nowMs += 30_000;
      const verdicts = await Promise.all(Array.from({ length: count }, () => verdict(verifier, goodToken)));
      expect(verdicts).toEqual(verdicts.map(() => 'keys_unavailable'));
    }
    await expect(keys.ready()).rejects.toMatchObject({ code: 'keys_unavailable' });
    expect(keys.stats()).toMatchObject({ fetches: 4, failures: 4, keys: 0, ageMs: Infinity });
    server.behaviour = serving(published(good));
    nowMs += 30_000;
    expect(await verdict(verifier, goodToken)).toBe('accepted');
    expect(keys.stats()).toMatchObject({ fetches: 5, failures: 4, keys: 1, ageMs: 0, lastFailure: undefined });
  });

  it('C4: later on: known keys go on working, unknown ones are our outage', async () => {
    const keys = remoteKeys({ timeoutMs });
    const verifier = verifierOf(good, { keys });
    await keys.ready();
    server.behaviour = behaviour;
    nowMs += 300_000;
    expect(await verdict(verifier, goodToken)).toBe('accepted');
    await expect(keys.refresh()).rejects.toMatchObject({ code: 'keys_unavailable' });
    expect([await verdict(verifier, goodToken), await verdict(verifier, unknownToken)]).toEqual(['accepted', 'keys_unavailable']);
    server.behaviour = serving(published(good), published(other));
    nowMs += 30_000;
    expect([await verdict(verifier, makeToken(other)), await verdict(verifier, unknownToken)]).toEqual([
      'accepted',
      'key_unknown',
    ]);
  });
});

describe('nobody there', () => {
  it('a refused connection is an outage', async () => {
    const url = server.url;
    await server.close();
    const verifier = verifierOf(good, { keys: remoteKeys({ url }) });
    expect(await verdict(verifier, goodToken)).toBe('keys_unavailable');
    server = await startJwksServer(serving(published(good)));
  });

  it('a port that speaks no HTTP, or accepts and closes', async () => {
    for (const greeting of ['SSH-2.0-OpenSSH_9.6\r\n', '']) {
      const raw: Server = createServer((socket) => {
        socket.on('error', () => {});
        socket.resume().end(greeting);
      });
      await new Promise<void>((resolve) => raw.listen(0, '127.0.0.1', resolve));
      const url = `http://127.0.0.1:${(raw.address() as AddressInfo).port}/`;
      expect(await verdict(verifierOf(good, { keys: remoteKeys({ url }) }), goodToken)).toBe('keys_unavailable');
      await new Promise((resolve) => raw.close(resolve));
    }
  });
});

describe('limits', () => {
  it('C1: a redirect is not followed', async () => {
    server.behaviour = BEHAVIOURS['redirects to a good set']!;
    await expect(remoteKeys().refresh()).rejects.toMatchObject({ code: 'keys_unavailable' });
    expect(server.requests).toBe(1);
  });

  it.each(['sends 50 MB', 'answers 503 without end', 'sends a gzip bomb'])(
    'what %s is let go long before the time limit',
    async (name) => {
      server.behaviour = BEHAVIOURS[name]!;
      await expect(remoteKeys({ timeoutMs: 20_000 }).refresh()).rejects.toMatchObject({ code: 'keys_unavailable' });
      await expect.poll(() => server.open, { timeout: 5000 }).toBe(0);
    },
  );

  it('the size limit counts to the byte, after decompression', async () => {
    const text = JSON.stringify({ keys: [published(good)] });
    server.behaviour = answering(text.padEnd(2000));
    await remoteKeys({ maxBytes: 2000 }).refresh();
    await expect(remoteKeys({ maxBytes: 1999 }).refresh()).rejects.toMatchObject({ code: 'keys_unavailable' });
  });

  it.each([
    ['never answers and does not heed the signal', () => new Promise<Response>(() => {})],
    ['gives nothing', () => Promise.resolve(undefined as unknown as Response)],
    ['rejects with nothing', () => Promise.reject()],
    [
      'throws',
      () => {
        throw new Error('broken');
      },
    ],
    [
      'gives a body that breaks',
      () => Promise.resolve(new Response(new ReadableStream({ pull: (it) => it.error(new Error('cut')) }))),
    ],
    ['gives a body that never ends and never comes', () => Promise.resolve(new Response(new ReadableStream({})))],
  ])("a user's fetch that %s is an outage, within the time limit", async (_, fetch) => {
    expect(await verdict(verifierOf(good, { keys: remoteKeys({ fetch, timeoutMs: 50 }) }), goodToken)).toBe('keys_unavailable');
  });
});

describe('what stands in the set', () => {
  it('C8: a secret next to a good key is passed over', async () => {
    server.behaviour = serving({ kty: 'oct', kid: 'secret', alg: 'HS256', k: 'A'.repeat(64) }, published(good));
    const keys = remoteKeys({ algorithms: ['ES256', 'HS256'] });
    expect(await verdict(verifierOf(good, { keys }), goodToken)).toBe('accepted');
    expect(keys.lookup('HS256', 'secret', nowMs)).toBeUndefined();
  });

  it('C8: two different keys under one key id refuse the set, and the old one stays', async () => {
    const keys = remoteKeys();
    await keys.ready();
    server.behaviour = serving(published(good), published(other, { kid: 'good' }));
    await expect(keys.refresh()).rejects.toMatchObject({ code: 'keys_unavailable' });
    expect(await verdict(verifierOf(good, { keys }), goodToken)).toBe('accepted');
  });

  it('the same key twice is one key', async () => {
    server.behaviour = serving(published(good), published(good));
    expect(await verdict(verifierOf(good, { keys: remoteKeys() }), goodToken)).toBe('accepted');
  });

  it.each(['text/plain', 'application/octet-stream', 'binary/octet-stream', 'application/json;charset=UTF-8', '', 'nonsense'])(
    'the content type %j passes: issuers are careless with it',
    async (type) => {
      server.behaviour = answering(JSON.stringify({ keys: [published(good)] }), { 'content-type': type });
      expect(await verdict(verifierOf(good, { keys: remoteKeys() }), goodToken)).toBe('accepted');
    },
  );

  it.each(['text/html', 'TEXT/HTML ; charset=utf-8', 'application/xhtml+xml'])(
    'a page (%s) is refused, even one that reads as a set',
    async (type) => {
      server.behaviour = answering(JSON.stringify({ keys: [published(good)] }), { 'content-type': type });
      expect(await verdict(verifierOf(good, { keys: remoteKeys() }), goodToken)).toBe('keys_unavailable');
    },
  );

  it.each([
    ['gzip', gzipSync],
    ['br', brotliCompressSync],
    ['deflate', deflateSync],
  ] as const)('a set compressed with %s is read', async (encoding, compress) => {
    const body = compress(JSON.stringify({ keys: [published(good)] }));
    server.behaviour = answering(body, { 'content-encoding': encoding });
    expect(await verdict(verifierOf(good, { keys: remoteKeys() }), goodToken)).toBe('accepted');
  });
});
