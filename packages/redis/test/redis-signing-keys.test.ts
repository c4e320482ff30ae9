/** Signing keys in a real Redis: one rotates, whoever is killed, frozen, or loses data. */
import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { resolve } from 'node:path';
import process from 'node:process';
import { type SigningKeySet, createSigningKeySet } from '@watchword/core';
import { Redis } from 'ioredis';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { describeSigningKeyStore } from '../../core/test/keys/signing-key-store-suite.ts';
import { createRedisSigningKeyStore } from '../src/index.ts';
import { RedisServer, hasRedis } from './support/redis-server.ts';
import { ROTATION } from './support/rotator.ts';

const unavailable = expect.objectContaining({ code: 'signing_unavailable' });

describe('a Redis store of signing keys refuses', () => {
  const server = 'redis://127.0.0.1:1';
  test.each<[string, unknown]>([
    ['no options', undefined],
    ['no server', {}],
    ['a URL of something else', { server: 'https://redis.example' }],
    ['unknown options', { server, host: 'redis' }],
    ['null', { server, timeoutMs: null }],
    ['an empty prefix', { server, prefix: '' }],
    ['no time to answer', { server, timeoutMs: Number.NaN }],
  ])('%s', (_name, options) => {
    expect(() => createRedisSigningKeyStore(options as never)).toThrow(expect.objectContaining({ code: 'config_invalid' }));
  });

  test('to hold keys that are not encrypted, unless it is told to', async () => {
    const store = createRedisSigningKeyStore({ server });
    expect(() => createSigningKeySet({ store })).toThrow('signingKeys.encryptionKeys: needed with a remote store');
    expect(() => createSigningKeySet({ store, allowPlaintext: true })).not.toThrow();
    await store.close();
  });
});

describe.skipIf(!hasRedis)('with redis-server (Debian: apt install redis-server)', () => {
  describeSigningKeyStore('Redis', async () => {
    const server = await RedisServer.start();
    return { open: () => createRedisSigningKeyStore({ server: server.url }), destroy: () => server.destroy() };
  });

  let server: RedisServer;
  const children: ChildProcess[] = [];
  const sets: SigningKeySet[] = [];
  const encryptionKeys = [randomBytes(32)];
  beforeEach(async () => {
    server = await RedisServer.start('always');
  });
  afterEach(async () => {
    server.thaw();
    for (const child of children.splice(0)) child.kill('SIGKILL');
    for (const set of sets.splice(0)) await set.close();
    await server.destroy();
  });
  const open = (options: Partial<Parameters<typeof createSigningKeySet>[0]> = {}): SigningKeySet => {
    const store = createRedisSigningKeyStore({ server: server.url, timeoutMs: 300 });
    const set = createSigningKeySet({ store, encryptionKeys, pollMs: 20, ...options });
    sets.push(set);
    return set;
  };
  const startRotator = (): ChildProcess => {
    const script = resolve(import.meta.dirname, 'support/rotator.ts');
    const child = spawn(process.execPath, [script, server.url, encryptionKeys[0]!.toString('base64url')], { stdio: 'inherit' });
    children.push(child);
    return child;
  };

  test('S12: exactly one of several processes makes each key, though one after the other is killed', async () => {
    // Makes the first key, and after that only watches.
    const watcher = open({ ...ROTATION, rotateEveryMs: 86_400_000 });
    await watcher.ready();
    for (let started = 0; started < 3; started += 1) startRotator();
    const count = (): number => watcher.describe().length;
    await expect.poll(count, { timeout: 15_000 }).toBeGreaterThan(3);
    for (let kills = 0; kills < 4; kills += 1) {
      const victim = children.shift()!;
      victim.kill('SIGKILL');
      await once(victim, 'exit');
      startRotator();
      const before = count();
      await expect.poll(count, { timeout: 15_000 }).toBeGreaterThan(before + 2);
    }
    for (const child of children) child.kill('SIGKILL');
    await Promise.all(children.map((child) => child.exitCode ?? child.signalCode ?? once(child, 'exit')));
    await watcher.refresh();
    const times = watcher.describe().map(({ activatesAtMs }) => activatesAtMs);
    // The newest first. Two that stand closer than a rotation were made by two.
    for (const [index, time] of times.slice(1).entries()) {
      expect(times[index]! - time).toBeGreaterThanOrEqual(ROTATION.rotateEveryMs);
    }
    expect(watcher.stats()).toMatchObject({ rotations: 1, restored: 0 });
  });

  test('a write that a frozen server held up is not done when it thaws', async () => {
    const store = createRedisSigningKeyStore({ server: server.url, timeoutMs: 200 });
    const { nowMs } = await store.load();
    server.freeze();
    await expect(store.replace('late', undefined, nowMs + 300)).rejects.toThrow();
    await new Promise((done) => setTimeout(done, 400));
    server.thaw();
    await expect.poll(async () => (await store.load()).content, { timeout: 5000 }).toBeUndefined();
    // And not a little later either.
    await new Promise((done) => setTimeout(done, 100));
    expect((await store.load()).content).toBeUndefined();
    await store.close();
  });

  test('a frozen or dead server takes no key away; nobody makes one of his own; then all goes on', async () => {
    const [here, there] = [open(), open()];
    await Promise.all([here.ready(), there.ready()]);
    const { kid } = here.current(Date.now()).key;
    for (const [cut, mend] of [
      [() => server.freeze(), () => server.thaw()],
      [() => server.kill(), () => server.restart()],
    ] as const) {
      await cut();
      for (const set of [here, there]) {
        await expect(set.refresh()).rejects.toThrow(unavailable);
        await expect(set.rotate()).rejects.toThrow(unavailable);
        expect(set.current(Date.now()).key.kid).toBe(kid);
        expect(set.stats()).toMatchObject({ isReachable: false });
      }
      const late = open();
      await expect(late.ready()).rejects.toThrow(unavailable);
      expect(() => late.current(Date.now())).toThrow(unavailable);
      await mend();
      await expect.poll(() => here.stats().isReachable && late.stats().isReachable, { timeout: 5000 }).toBe(true);
      expect(late.current(Date.now()).key.kid).toBe(kid);
    }
    expect(here.stats().rotations + there.stats().rotations).toBe(1);
  });

  test('a server that comes back empty is given the keys again, each of them once', async () => {
    const [here, there] = [open(), open()];
    await Promise.all([here.ready(), there.ready()]);
    await here.rotate();
    await there.refresh();
    const before = here.describe().map(({ kid }) => kid);
    await server.kill();
    server.loseData();
    await server.restart();
    const fresh = open();
    await expect
      .poll(
        () =>
          fresh.refresh().then(
            () => fresh.describe().map(({ kid }) => kid),
            () => [],
          ),
        { timeout: 5000 },
      )
      .toEqual(expect.arrayContaining(before));
    await expect.poll(() => here.describe(), { timeout: 5000 }).toEqual(fresh.describe());
    for (const kid of before) expect(there.describe().map((one) => one.kid)).toContain(kid);
  });

  test('what lies in the server says nothing about a key', async () => {
    const set = open();
    await set.ready();
    const admin = new Redis(server.url);
    const all = JSON.stringify(await admin.hgetall('watchword:signing-keys:set'));
    admin.disconnect();
    for (const word of [set.describe()[0]!.kid, 'pkcs8', 'MIG']) expect(all).not.toContain(word);
  });
});
