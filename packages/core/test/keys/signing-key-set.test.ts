import { describe, expect, test } from 'vitest';
import { createMemorySigningKeyStore } from '../../src/keys/memory-signing-keys.ts';
import { createSigningKeySet } from '../../src/keys/signing-key-set.ts';
import type { SigningKeyStore } from '../../src/keys/signing-key-store.ts';
import { POLICY, START_MS, startSet, world } from './signing-key-world.ts';

const memoryStore = ({ clock }: { readonly clock: () => number }): SigningKeyStore => createMemorySigningKeyStore({ clock });
const MINUTE = 60_000;
const states = (set: ReturnType<typeof startSet>): string[] => set.describe().map(({ state }) => state);
const unavailable = expect.objectContaining({ code: 'signing_unavailable' });

describe('a signing-key set refuses', () => {
  const store = createMemorySigningKeyStore();
  const remote: SigningKeyStore = { ...store, isRemote: true };
  test.each<[string, object]>([
    ['no store', {}],
    ['unknown options', { store, rotate: 1 }],
    ['null', { store, pollMs: null }],
    ['shared secrets', { store, algorithm: 'HS256' }],
    ['a key that is published after it signs', { store, publishAheadMs: 0 }],
    ['to publish for less than clocks may differ', { store, publishAheadMs: 50_000 }],
    ['keys that follow each other faster than they are published', { store, rotateEveryMs: 899_999 }],
    ['a number that is none', { store, holdMs: Number.NaN }],
    ['a remote store without encryption', { store: remote }],
    ['a short secret', { store, encryptionKeys: [new Uint8Array(16)] }],
    ['an empty secret', { store, encryptionKeys: [new Uint8Array(32)] }],
    ['no secret at all', { store, encryptionKeys: [] }],
  ])('%s', (_name, options) => {
    expect(() => createSigningKeySet(options as never)).toThrow(expect.objectContaining({ code: 'config_invalid' }));
  });

  test('to sign before it was ready, and after its last key ended', async () => {
    const time = world();
    const set = startSet(memoryStore(time), time);
    expect(() => set.current(START_MS)).toThrow(unavailable);
    await set.ready();
    const endMs = set.describe()[0]!.endsAtMs;
    expect(set.current(endMs - 1).key.kid).toBe(set.describe()[0]!.kid);
    expect(() => set.current(endMs)).toThrow(unavailable);
    await set.close();
  });
});

describe('a signing-key set', () => {
  test('makes its first key at once, and every further one early', async () => {
    const time = world();
    const set = startSet(memoryStore(time), time);
    await set.ready();
    const first = set.current(time.nowMs).key;
    await time.pass(49 * MINUTE);
    expect(states(set)).toEqual(['current']);
    await time.pass(2 * MINUTE);
    expect(states(set)).toEqual(['next', 'current']);
    expect(set.current(time.nowMs).key).toBe(first);
    await time.pass(9 * MINUTE + 10_000);
    expect(states(set)).toEqual(['current', 'retiring']);
    expect(set.published(time.nowMs)).toContain(first);
    // Rotation, hold, the life of a token, tolerance: from then on nothing of the first key can be accepted.
    await time.pass(35 * MINUTE + 10_000);
    expect(states(set)).toEqual(['current']);
    expect(set.isPublished(first, time.nowMs)).toBe(false);
    expect(set.stats()).toMatchObject({ rotations: 2, failures: 0, restored: 0, isReachable: true });
    await set.close();
  });

  test('holds its key while the store is away, then refuses, and makes no key of its own', async () => {
    const time = world();
    const store = memoryStore(time);
    let isAway = false;
    const flaky: SigningKeyStore = {
      ...store,
      load: () => (isAway ? Promise.reject(new Error('away')) : store.load()),
    };
    const set = startSet(flaky, time);
    const failures: string[] = [];
    set.onFailure(({ message }) => failures.push(message));
    await set.ready();
    const { kid } = set.current(time.nowMs).key;
    isAway = true;
    // A first key is dated back, so that it is good by every clock.
    await time.pass(POLICY.rotateEveryMs + POLICY.holdMs - POLICY.toleranceMs - 1);
    expect(set.current(time.nowMs).key.kid).toBe(kid);
    await time.pass(1);
    expect(() => set.current(time.nowMs)).toThrow(unavailable);
    // Its tokens are still good, so it is still published.
    expect(set.published(time.nowMs).map((key) => key.kid)).toEqual([kid]);
    expect(set.stats().isReachable).toBe(false);
    expect(new Set(failures)).toEqual(new Set(['The signing keys could not be read or stored']));
    isAway = false;
    await time.pass(5000);
    expect(set.current(time.nowMs).key.kid).not.toBe(kid);
    await set.close();
  });

  test('leaves no gap when the store comes back shortly before the end of the key', async () => {
    const time = world();
    const store = memoryStore(time);
    let isAway = false;
    const flaky: SigningKeyStore = { ...store, load: () => (isAway ? Promise.reject(new Error()) : store.load()) };
    const set = startSet(flaky, time);
    await set.ready();
    const first = set.describe()[0]!;
    isAway = true;
    await time.pass(first.endsAtMs - time.nowMs - 10_000);
    isAway = false;
    await time.pass(5000);
    expect(states(set)).toEqual(['next', 'current']);
    const [next, current] = set.describe();
    expect(next!.activatesAtMs - next!.publishedAtMs).toBe(POLICY.publishAheadMs);
    expect(current!.endsAtMs).toBe(next!.activatesAtMs + POLICY.toleranceMs);
    expect(current!.goneAtMs).toBe(current!.endsAtMs + POLICY.tokenLifetimeMs + POLICY.toleranceMs);
    for (let minute = 0; minute < 30; minute += 1) {
      await time.pass(MINUTE);
      expect(set.published(time.nowMs)).toContain(set.current(time.nowMs).key);
    }
    await set.close();
  });

  test('shares one first key between instances that start together', async () => {
    const time = world();
    const store = memoryStore(time);
    const sets = Array.from({ length: 5 }, () => startSet(store, time));
    await Promise.all(sets.map((set) => set.ready()));
    expect(new Set(sets.map((set) => set.current(time.nowMs).key.kid)).size).toBe(1);
    expect(sets.reduce((sum, set) => sum + set.stats().rotations, 0)).toBe(1);
    await Promise.all(sets.map((set) => set.close()));
  });

  test('gives back to a store what it lost', async () => {
    const time = world();
    let store = memoryStore(time);
    const set = startSet({ ...store, load: () => store.load(), replace: (...all) => store.replace(...all) }, time);
    await set.ready();
    const { kid } = set.current(time.nowMs).key;
    store = memoryStore(time);
    const other = startSet(store, time);
    await other.ready();
    expect(other.current(time.nowMs).key.kid).not.toBe(kid);
    await time.pass(5000);
    await time.pass(5000);
    expect(other.published(time.nowMs).map((key) => key.kid)).toContain(kid);
    expect(set.describe()).toEqual(other.describe());
    expect(set.stats().restored).toBe(1);
    await Promise.all([set.close(), other.close()]);
  });

  test('changes nothing with a clock that is wrong', async () => {
    const time = world();
    const store = createMemorySigningKeyStore({ clock: () => time.nowMs + POLICY.toleranceMs / 2 + 1 });
    const set = startSet(store, time);
    await expect(set.ready()).rejects.toThrow("The clock differs from the store's by 11 s");
    expect((await store.load()).content).toBeUndefined();
    await set.close();
  });

  test('does not write times that got old on their way', async () => {
    const time = world();
    const store = memoryStore(time);
    const slow: SigningKeyStore = {
      ...store,
      async replace(...all) {
        time.nowMs += 5001;
        return store.replace(...all);
      },
    };
    const set = startSet(slow, time);
    await expect(set.ready()).rejects.toThrow(unavailable);
    expect((await store.load()).content).toBeUndefined();
    await set.close();
  });

  test('rotates when it is told to: published first, or at once', async () => {
    const time = world();
    const set = startSet(memoryStore(time), time);
    await set.ready();
    await set.rotate();
    await set.rotate();
    expect(states(set)).toEqual(['next', 'current']);
    const { kid } = set.current(time.nowMs).key;
    await time.pass(1);
    await set.rotate('at-once');
    expect(set.current(time.nowMs).key.kid).not.toBe(kid);
    expect(set.published(time.nowMs)).toHaveLength(3);
    await set.close();
  });

  test('encrypts what it stores, and takes nothing that is not', async () => {
    const time = world();
    const [one, other] = [1, 2].map((seed) => Uint8Array.from({ length: 32 }, (_, index) => (index * 7 + seed) % 256));
    const store = memoryStore(time);
    const set = startSet(store, time, { encryptionKeys: [one!] });
    await set.ready();
    const { content } = await store.load();
    const { kid } = set.current(time.nowMs).key;
    for (const word of ['pkcs8', 'activatesAtMs', kid]) expect(content).not.toContain(word);

    const changed = startSet(store, time, { encryptionKeys: [other!, one!] });
    await changed.ready();
    expect(changed.current(time.nowMs).key.kid).toBe(kid);
    for (const encryptionKeys of [[other!], undefined]) {
      const stranger = startSet(store, time, encryptionKeys && { encryptionKeys });
      await expect(stranger.ready()).rejects.toThrow(unavailable);
    }
    // Whoever can write the store still can't bring a key.
    const intruder = memoryStore(time);
    await startSet(intruder, time).ready();
    const planted = startSet(intruder, time, { encryptionKeys: [one!] });
    await expect(planted.ready()).rejects.toThrow(unavailable);
    expect(planted.published(time.nowMs)).toEqual([]);
  });

  test.each<[string, (content: string) => string]>([
    ['nonsense', () => 'nonsense'],
    ['another format', (content) => content.replace('keys-1', 'keys-2')],
    ['no times', (content) => content.replace('endsAtMs', 'x')],
    ['times out of order', (content) => content.replace(/"goneAtMs":\d/, '"goneAtMs":0')],
    ['an unusable key', (content) => content.replace(/"pkcs8":"..../, '"pkcs8":"AAAA')],
    ['another algorithm', (content) => content.replace('ES256', 'HS256')],
    ['a curve that the algorithm is not for', (content) => content.replace('ES256', 'ES384')],
  ])('keeps what it has when the store holds %s', async (_name, spoil) => {
    const time = world();
    const store = memoryStore(time);
    const set = startSet(store, time);
    await set.ready();
    const { content, version } = await store.load();
    await store.replace(spoil(content!), version, Infinity);
    await expect(set.refresh()).rejects.toThrow(unavailable);
    expect(set.current(time.nowMs).key.kid).toBe(set.describe()[0]!.kid);
    await set.close();
  });
});

describe('a look at the store', () => {
  test('makes no key where there is none, and none that is due', async () => {
    const time = world();
    const store = memoryStore(time);
    const looking = startSet(store, time);
    await looking.look();
    expect([looking.describe(), (await store.load()).version]).toEqual([[], undefined]);
    const set = startSet(store, time);
    await set.ready();
    await set.close();
    await looking.look();
    expect(states(looking)).toEqual(['current']);
    await looking.close();
    const late = startSet(store, time);
    const { version } = await store.load();
    time.nowMs = set.describe()[0]!.endsAtMs;
    await late.look();
    expect(states(late)).toEqual(['retiring']);
    expect((await store.load()).version).toBe(version);
    await late.close();
  });
});

describe('a set that is closed while others wait for their turn', () => {
  test('answers all of them: none waits for ever, and no turn of the event loop is the last', async () => {
    const time = world();
    const set = startSet(memoryStore(time), time);
    await set.ready();
    const waiting = [set.rotate(), set.rotate(), set.look(), set.rotate('at-once'), set.refresh()];
    const closed = set.close();
    const outcomes = await Promise.allSettled(waiting);
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'rejected', 'rejected', 'fulfilled']);
    await closed;
    const late = [set.refresh(), set.refresh(), set.rotate(), set.look(), set.withdraw('some')];
    for (const each of late) await expect(each).rejects.toThrow(unavailable);
    // Nothing is left that looks again.
    await time.pass(60_000);
    await expect(set.refresh()).rejects.toThrow('closed');
  });
});

describe('a key that is withdrawn', () => {
  const pair = async (time = world()) => {
    const store = memoryStore(time);
    const [one, other] = [startSet(store, time), startSet(store, time)];
    await one.ready();
    await other.ready();
    return { time, store, one, other, kid: one.current(time.nowMs).key.kid };
  };

  test('signs no more and is published no more, at the next look anywhere; another one signs', async () => {
    const { time, one, other, kid } = await pair();
    const { key } = one.current(time.nowMs);
    expect(await one.withdraw(kid)).toBe(true);
    expect(one.isPublished(key, time.nowMs)).toBe(false);
    expect(one.current(time.nowMs).key.kid).not.toBe(kid);
    await time.pass(6000);
    expect(other.describe().map((each) => each.kid)).toEqual([one.current(time.nowMs).key.kid]);
    await one.close();
    await other.close();
  });

  test('does not come back with a store that has lost the withdrawal', async () => {
    const { time, store, one, other, kid } = await pair();
    const before = await store.load();
    await one.withdraw(kid);
    await time.pass(6000);
    const { version } = await store.load();
    expect(await store.replace(before.content!, version, Infinity)).toBe(true);
    await time.pass(12_000);
    for (const set of [one, other]) expect(set.describe().map((each) => each.kid)).not.toContain(kid);
    expect((await store.load()).content).not.toContain(`"kid":"${kid}","alg"`);
    await one.close();
    await other.close();
  });

  test('leaves the one that signs alone, if it is another', async () => {
    const { time, one, other, kid } = await pair();
    await one.rotate();
    const next = one.describe()[0]!;
    expect(next.state).toBe('next');
    expect(await one.withdraw(next.kid)).toBe(true);
    expect(one.current(time.nowMs).key.kid).toBe(kid);
    expect(states(one)).toEqual(['current']);
    await one.close();
    await other.close();
  });

  test('has to be there', async () => {
    const { one, other } = await pair();
    expect(await one.withdraw('nobody')).toBe(false);
    await one.close();
    await other.close();
  });
});
