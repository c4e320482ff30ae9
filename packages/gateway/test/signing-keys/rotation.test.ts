/** The gateway with signing keys that rotate: configuration, one thread and several, SQLite and Redis, what operators see. */
import { randomBytes } from 'node:crypto';
import { chmodSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  type SigningKeySet,
  createRemoteKeys,
  createSigningKeySet,
  createSqliteSigningKeyStore,
  createTxnVerifier,
} from '@watchword/core';
import { describe, expect, onTestFinished, test } from 'vitest';
import { RedisServer, hasRedis } from '../../../redis/test/support/redis-server.ts';
import { createConfig, startGateway } from '../../src/index.ts';
import { inspectFiles } from '../../src/inspect-files.ts';
import { type TestEdge, startEdge } from '../support/edge.ts';
import { temporaryDirectory } from '../support/identity-provider.ts';
import { getMany, valueOf } from '../support/threads.ts';
import { startUpstream, valuesOf } from '../support/upstream.ts';

const DOMAIN = 'inside.example';
const MINIMAL = {
  upstreams: { main: { url: 'http://127.0.0.1:1' } },
  routes: [{ path: '/*', upstream: 'main', public: true }],
};
const withKeys = (keys: object, more: object = {}) => ({ txnToken: { trustDomain: DOMAIN, keys, ...more } });

/** The keys that the control listener publishes. */
async function publishedKids(edge: TestEdge): Promise<string[]> {
  const { keys } = (await (await fetch(`${edge.control}/.well-known/jwks.json`)).json()) as { keys: { kid: string }[] };
  return keys.map(({ kid }) => kid);
}

function kidOf(token: string): string {
  return (JSON.parse(Buffer.from(token.split('.', 1)[0]!, 'base64url').toString()) as { kid: string }).kid;
}

function secretFile(text: string = randomBytes(32).toString('base64')): string {
  const file = join(temporaryDirectory(), 'secret');
  writeFileSync(file, text, { mode: 0o600 });
  return file;
}

describe('E13: a section of signing keys is refused', () => {
  const sqlite = { store: { sqlite: 'keys.db' } };
  const redis = { store: { redis: 'redis://127.0.0.1' } };
  test.each<[string, object, string]>([
    ['with two stores', { store: { ...sqlite.store, ...redis.store } }, 'needs exactly one of sqlite and redis'],
    ['with neither', { store: {} }, 'needs exactly one of sqlite and redis'],
    ['with an unknown setting', { ...sqlite, rotateEvery: 1 }, 'txnToken.keys.rotateEvery: is not a setting'],
    ['with a prefix for a file', { store: { sqlite: 'x', prefix: 'p' } }, 'store.prefix: goes with redis only'],
    ['with a password for a file', { store: { sqlite: 'x', passwordFile: 'p' } }, 'store.passwordFile: goes with redis only'],
    ['with a password in the URL', { store: { redis: 'redis://:hunter2@h' } }, 'that goes into passwordFile'],
    ['with plain keys in Redis', redis, 'needs encryptionKeyFile'],
    ['that publishes for less time than a set is kept', { ...sqlite, publishAheadSeconds: 659 }, 'must be at least 660'],
    [
      'that publishes for longer than a key lasts',
      { ...sqlite, rotateEverySeconds: 700, publishAheadSeconds: 701 },
      'must not be longer than rotateEverySeconds',
    ],
  ])('%s', (_name, keys, reason) => {
    expect(() => createConfig({ ...MINIMAL, ...withKeys(keys) })).toThrow(reason);
  });

  test('without a store there is one: a file beside the configuration', () => {
    expect(createConfig({ ...MINIMAL, ...withKeys({}) }).txnToken!.keys!.store).toEqual({ sqlite: 'signing-keys.db' });
  });

  test('next to a key file', () => {
    expect(() => createConfig({ ...MINIMAL, ...withKeys(sqlite, { keyFile: 'k.pem' }) })).toThrow(
      'keyFile: does not go with keys',
    );
  });

  test.each<[string, string, string]>([
    ['that is empty', '', 'is empty'],
    ['that is short', randomBytes(16).toString('base64'), 'must hold 32 random bytes'],
    ['that is no secret', Buffer.alloc(32).toString('base64'), 'must hold 32 random bytes'],
    ['that is text', 'hunter2', 'must hold 32 random bytes'],
  ])('E12: with a secret %s, which is not quoted', (_name, text, reason) => {
    const config = createConfig({ ...MINIMAL, ...withKeys({ ...sqlite, encryptionKeyFile: secretFile(text) }) });
    const [issue] = inspectFiles(config);
    expect(issue).toMatchObject({ path: 'txnToken.keys.encryptionKeyFile' });
    expect(issue!.reason).toContain(reason);
    expect(issue!.reason).not.toContain('hunter2');
  });

  test('with a secret that is not there', () => {
    const config = createConfig({ ...MINIMAL, ...withKeys({ ...sqlite, encryptionKeyFile: '/nowhere/secret' }) });
    expect(inspectFiles(config)[0]!.reason).toBe('cannot be read (ENOENT)');
  });

  test('with a file that others may read', async () => {
    const file = join(temporaryDirectory(), 'keys.db');
    writeFileSync(file, '');
    chmodSync(file, 0o644);
    const config = createConfig({
      ...MINIMAL,
      listen: { port: 0 },
      control: { port: 0 },
      ...withKeys({ store: { sqlite: file } }),
    });
    await expect(startGateway(config)).rejects.toThrow('txnToken.keys.store.sqlite: may be read by others than its owner');
  });
});

/** The same keys seen by another process, which may rotate them. */
function openBeside(path: string, encryptionKeys: readonly Uint8Array[], clock?: () => number): SigningKeySet {
  const store = createSqliteSigningKeyStore({ path, ...(clock && { clock }) });
  const set = createSigningKeySet({ store, encryptionKeys, ...(clock && { clock }) });
  onTestFinished(() => set.close());
  return set;
}

test('S12: keys in a file: published first, then used, then kept until their tokens have ended; a restart changes nothing', async () => {
  let aheadMs = 0;
  const clock = (): number => Date.now() + aheadMs;
  const upstream = await startUpstream();
  const file = join(temporaryDirectory(), 'keys.db');
  const section = {
    store: { sqlite: file },
    rotateEverySeconds: 3600,
    publishAheadSeconds: 900,
    holdSeconds: 600,
    encryptionKeyFile: secretFile(),
  };
  const txnToken = { ...withKeys(section).txnToken, reuseWindowSeconds: 0 };
  const edge = await startEdge(upstream.url, { txnToken }, { clock });
  const call = async (at: TestEdge = edge): Promise<string> => {
    const headers = { authorization: `Bearer ${at.issuer.token({ exp: Math.floor(clock() / 1000) + 600 })}` };
    expect((await fetch(`${at.url}/api/x`, { headers })).status).toBe(200);
    return kidOf(valuesOf(upstream.seen.at(-1)!, 'txn-token')[0]!);
  };
  const [first] = await publishedKids(edge);
  expect(await call()).toBe(first);
  expect(statSync(file).mode & 0o777).toBe(0o600);

  // The page asks the store, at most once a second.
  const later = async (seconds: number): Promise<string[]> => {
    aheadMs += seconds * 1000;
    await new Promise((done) => setTimeout(done, 1050));
    return publishedKids(edge);
  };
  const two = await later(2750);
  expect(two).toHaveLength(2);
  expect(await call()).toBe(first);
  const metrics = await edge.metrics();
  expect(valueOf(metrics, 'watchword_signing_key_published')).toBe(2);
  expect(valueOf(metrics, 'watchword_signing_key_store_reachable')).toBe(1);
  expect(valueOf(metrics, 'watchword_signing_key_rotations_total')).toBe(2);
  expect(valueOf(metrics, 'watchword_signing_key_age_seconds')).toBeGreaterThan(2749);
  expect(valueOf(metrics, 'watchword_signing_key_next_rotation_seconds')).toBeLessThanOrEqual(900);
  expect(await later(900)).toEqual(two);
  const second = await call();
  expect(second).toBe(two.find((kid) => kid !== first));

  const again = await startEdge(upstream.url, { txnToken }, { clock });
  expect(await call(again)).toBe(second);
  // 3600 s and a hold of 600 s after it began to sign, and the longest life of a token, and what clocks may differ by.
  expect(await later(1000)).not.toContain(first);
  const words = edge.logs.map(({ msg }) => msg);
  expect(words.filter((word) => word === 'a signing key was published')).toHaveLength(2);
  expect(words).toContain('a signing key is not published any more');
  expect(JSON.stringify(edge.logs)).not.toMatch(/pkcs8|BEGIN|"d"/);
});

test('S12: threads sign with the keys of the main thread, and change when it does', async () => {
  const upstream = await startUpstream();
  const file = join(temporaryDirectory(), 'keys.db');
  const secret = randomBytes(32);
  const keys = { store: { sqlite: file }, encryptionKeyFile: secretFile(secret.toString('hex')) };
  const edge = await startEdge(upstream.url, { threads: 3, txnToken: { ...withKeys(keys).txnToken, reuseWindowSeconds: 0 } });
  const kids = async (): Promise<Set<string>> => {
    const before = upstream.seen.length;
    const statuses = await getMany(edge.port, 48, edge.bearer());
    expect(new Set(statuses)).toEqual(new Set([200]));
    return new Set(upstream.seen.slice(before).map((seen) => kidOf(valuesOf(seen, 'txn-token')[0]!)));
  };
  const [first] = await publishedKids(edge);
  expect(await kids()).toEqual(new Set([first]));

  const beside = openBeside(file, [secret]);
  await beside.ready();
  await beside.rotate();
  await new Promise((done) => setTimeout(done, 1050));
  expect(await publishedKids(edge)).toHaveLength(2);
  expect(await kids()).toEqual(new Set([first]));

  await beside.rotate('at-once');
  const now = beside.current(Date.now()).key.kid;
  await new Promise((done) => setTimeout(done, 1050));
  expect(await publishedKids(edge)).toContain(now);
  await expect.poll(kids, { timeout: 5000 }).toEqual(new Set([now]));

  // A service that fetches the keys accepts what the threads sign.
  const issuer = { issuer: DOMAIN, algorithms: ['ES256'], allowInsecure: true };
  const remote = createRemoteKeys({ ...issuer, url: `${edge.control}/.well-known/jwks.json` });
  onTestFinished(() => remote.close());
  const verifier = createTxnVerifier({ trustDomain: DOMAIN, keys: remote });
  await expect(verifier.verify(valuesOf(upstream.seen.at(-1)!, 'txn-token')[0]!)).resolves.toBeDefined();
  expect(valueOf(await edge.metrics(), 'watchword_signing_key_published')).toBe(3);
});

describe.skipIf(!hasRedis)('with redis-server (Debian: apt install redis-server)', () => {
  test('S12: two gateways share keys; without the server they go on, and a new one refuses with 503 until it is back', async () => {
    const server = await RedisServer.start('always');
    onTestFinished(() => server.destroy());
    const upstream = await startUpstream();
    const keys = { store: { redis: server.url }, encryptionKeyFile: secretFile() };
    const overrides = withKeys(keys);
    const [one, two] = [await startEdge(upstream.url, overrides), await startEdge(upstream.url, overrides)];
    const kids = await publishedKids(one);
    expect(kids).toHaveLength(1);
    expect(await publishedKids(two)).toEqual(kids);

    await server.kill();
    for (const edge of [one, two]) {
      expect((await fetch(`${edge.url}/api/x`, { headers: edge.bearer() })).status).toBe(200);
      expect((await fetch(`${edge.control}/readyz`)).status).toBe(200);
    }
    const late = await startEdge(upstream.url, overrides);
    const ready = await fetch(`${late.control}/readyz`);
    expect([ready.status, await ready.json()]).toEqual([503, { status: 'signing_keys_unavailable' }]);
    const refused = await fetch(`${late.url}/api/x`, { headers: late.bearer() });
    expect(refused.status).toBe(503);
    expect(await refused.text()).toContain('No token can be signed');
    expect(await publishedKids(late)).toEqual([]);
    expect(valueOf(await late.metrics(), 'watchword_signing_key_store_reachable')).toBe(0);
    expect(late.logs).toContainEqual(
      expect.objectContaining({ reason: 'ECONNREFUSED', msg: 'signing keys cannot be read or stored' }),
    );
    expect(JSON.stringify(late.logs)).not.toContain(server.url);

    await server.restart();
    await expect.poll(() => publishedKids(late), { timeout: 10_000, interval: 300 }).toEqual(kids);
    expect((await fetch(`${late.url}/api/x`, { headers: late.bearer() })).status).toBe(200);
    await expect
      .poll(() => late.logs.map(({ msg }) => msg), { timeout: 5000 })
      .toContain('signing keys can be read and stored again');
  });
});
