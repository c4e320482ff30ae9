/** When lists are fetched, for how long they count, and what bounds both. */
import { afterEach, beforeEach, describe, expect, it, test } from 'vitest';
import type { StatusListsOptions } from '../../../src/revocation/status-list/status-lists.ts';
import { testKey } from '../../support/keys.ts';
import { encodeStatusList, listing, makeListToken } from '../../support/status-lists.ts';
import { NOW } from '../../support/tokens.ts';
import { tally, verdict } from '../../support/verdicts.ts';
import { StatusWorld, listKey } from './world.ts';

let world: StatusWorld;
beforeEach(async () => {
  world = await StatusWorld.start();
  world.serve();
});
afterEach(() => world.close());

const fail = (): void => {
  world.server.behaviour = (response) => response.writeHead(500).end();
};

/** Every path gets a list of its own: `good` has one byte, others as many as asked for. */
const serveAll = (bytes = 1): void => {
  world.server.behaviour = (response, request) => {
    const list = encodeStatusList(new Uint8Array(bytes * 8));
    listing(makeListToken(listKey, `${world.server.origin}${request.url}`, list))(response, request);
  };
};
const path = (name: unknown): string => `${world.server.origin}/lists/${name}`;

describe('options are refused', () => {
  test.each<[string, Partial<Record<keyof StatusListsOptions, unknown>> | { other: 1 }, string]>([
    ['unknown ones', { other: 1 }, 'statusLists.other'],
    ['no issuer', { issuer: '' }, 'statusLists.issuer'],
    ['keys that are none', { keys: {} }, 'statusLists.keys'],
    ['no algorithm', { algorithms: [] }, 'statusLists.algorithms'],
    ['the algorithm none', { algorithms: ['none'] }, 'statusLists.algorithms'],
    ['no address', { uris: [] }, 'statusLists.uris'],
    ['no time to answer', { timeoutMs: 0 }, 'statusLists.timeoutMs'],
    ['no cool-down', { cooldownMs: 0 }, 'statusLists.cooldownMs'],
    ['a refresh within the cool-down', { refreshMs: 14_999 }, 'statusLists.refreshMs'],
    ['an age below the refresh', { staleAfterMs: 299_999 }, 'statusLists.staleAfterMs'],
    ['a number that is none', { staleAfterMs: NaN }, 'statusLists.staleAfterMs'],
    ['no list', { maxLists: 0 }, 'statusLists.maxLists'],
    ['less memory than one list may have', { maxListBytes: 100, maxTotalBytes: 99 }, 'statusLists.maxTotalBytes'],
    ['no fetch', { maxFetchesPerMinute: 0 }, 'statusLists.maxFetchesPerMinute'],
    ['a large tolerance', { toleranceSeconds: 301 }, 'statusLists.toleranceSeconds'],
    ['a fetch that is none', { fetch: 'fetch' }, 'statusLists.fetch'],
    ['a clock that is none', { clock: 0 }, 'statusLists.clock'],
  ])('%s', (_name, changes, message) => {
    expect(() => world.lists(changes as never)).toThrow(
      expect.objectContaining({ code: 'config_invalid', message: expect.stringContaining(message) }),
    );
  });
});

describe('SL-6, SL-7: the ttl', () => {
  it('SL-6: a list in use is fetched ahead of it, and nobody waits', async () => {
    const lists = world.lists();
    const verifier = world.verifier(lists);
    await verdict(verifier, world.token(0));
    world.serve(world.list({}, [1]));
    await world.time.pass(79_999);
    expect(world.server.requests).toBe(1);
    await world.time.pass(1);
    await lists.refresh(world.uri);
    expect(world.server.requests).toBe(2);
    expect(await verdict(verifier, world.token(0))).toBe('token_revoked');
  });

  test.each([
    [0, 70_000],
    [0.999_999, 90_000],
  ])('each process chooses its own moment: %d', async (chance, delayMs) => {
    const lists = world.lists({ random: () => chance });
    await verdict(world.verifier(lists), world.token(0));
    await world.time.pass(delayMs - 1);
    expect(lists.stats().fetches).toBe(1);
    await world.time.pass(1);
    expect(lists.stats().fetches).toBe(2);
  });

  it('a list that nobody uses is not fetched again', async () => {
    const lists = world.lists();
    await lists.refresh(world.uri);
    await world.time.pass(1_000_000);
    expect(lists.stats().fetches).toBe(1);
  });

  it('SL-6: after it the list is asked for before it is used again', async () => {
    const lists = world.lists();
    const verifier = world.verifier(lists);
    const token = await verifier.verify(world.token(0));
    world.time.nowMs += 99_999;
    expect(verifier.holds(token)).toBe(true);
    world.time.nowMs += 1;
    expect(verifier.holds(token)).toBe(false);
    world.serve(world.list({}, [2]));
    expect(await verdict(verifier, world.token(0))).toBe('token_revoked');
  });

  test.each<[string, unknown, number]>([
    ['missing', undefined, 300_000],
    ['a year', 31_536_000, 300_000],
    ['1e300 seconds', 1e300, 300_000],
    ['200 seconds', 200, 200_000],
    ['a millisecond', 0.001, 15_000],
  ])('SL-7: %s counts as something sane', async (_name, ttl, expectedMs) => {
    world.serve(world.list({ claims: { ttl } }));
    const lists = world.lists();
    await lists.refresh(world.uri);
    world.time.nowMs += expectedMs - 1;
    expect(lists.peek({ uri: world.uri, idx: 0 }).outlook).toBe('current');
    world.time.nowMs += 1;
    expect(lists.peek({ uri: world.uri, idx: 0 }).outlook).toBe('due');
  });
});

describe('a good list is kept through bad weather', () => {
  it('until its exp, not a moment longer', async () => {
    world.serve(world.list({ claims: { exp: NOW + 400 } }));
    const lists = world.lists();
    const verifier = world.verifier(lists);
    await verdict(verifier, world.token(0));
    fail();
    world.time.nowMs = (NOW + 400) * 1000 - 1;
    expect(await verdict(verifier, world.token(0))).toBe('accepted');
    world.time.nowMs += 1;
    expect(await verdict(verifier, world.token(0))).toBe('revocation_unavailable');
    expect(await verdict(verifier, world.token(1))).toBe('token_revoked');
  });

  it('beyond it only where that is the choice, and what is revoked stays revoked', async () => {
    const verifier = world.verifier(world.lists(), { whenStale: 'accept' });
    await verdict(verifier, world.token(0));
    fail();
    world.time.nowMs += 80_000_000;
    const verdicts = [0, 1, 2].map((idx) => verdict(verifier, world.token(idx)));
    expect(await Promise.all(verdicts)).toEqual(['accepted', 'token_revoked', 'token_revoked']);
    // A list that was never had, too: and it is asked for again after each cool-down.
    expect(await verdict(verifier, world.token(0, path('never')))).toBe('accepted');
    serveAll();
    world.time.nowMs += 10_000;
    expect(await verdict(verifier, world.token(9, path('never')))).toBe('accepted');
    await expect.poll(() => verdict(verifier, world.token(9, path('never')))).toBe('claim_invalid');
  });

  it('nobody waits for a server that hangs while the known list will do', async () => {
    const lists = world.lists({ timeoutMs: 20_000 });
    const verifier = world.verifier(lists);
    await verdict(verifier, world.token(0));
    fail();
    world.time.nowMs += 100_000;
    await verdict(verifier, world.token(0));
    world.server.behaviour = () => {};
    world.time.nowMs += 10_000;
    const startMs = performance.now();
    for (let count = 0; count < 10; count += 1) expect(await verdict(verifier, world.token(0))).toBe('accepted');
    expect(performance.now() - startMs).toBeLessThan(5000);
    await expect.poll(() => world.server.requests).toBe(3);
  });

  it('C2: an outage costs one fetch in a cool-down, however many ask', async () => {
    fail();
    const lists = world.lists();
    const verifier = world.verifier(lists);
    for (let round = 0; round < 3; round += 1) {
      const verdicts = await Promise.all(Array.from({ length: 50 }, () => verdict(verifier, world.token(0))));
      expect(tally(verdicts)).toEqual({ revocation_unavailable: 50 });
      expect(await verdict(verifier, world.token(0))).toBe('revocation_unavailable');
      expect(world.server.requests).toBe(round + 1);
      world.time.nowMs += 10_000;
    }
  });

  it('C2: refresh obeys the cool-down too, unless the clock was set back', async () => {
    fail();
    const lists = world.lists();
    for (let count = 0; count < 3; count += 1) await lists.refresh(world.uri);
    expect(lists.stats().fetches).toBe(1);
    world.time.nowMs -= 3_600_000;
    await lists.refresh(world.uri);
    expect(lists.stats().fetches).toBe(2);
  });

  it('a clock set back by hours makes nothing look current', async () => {
    const lists = world.lists();
    await lists.refresh(world.uri);
    world.time.nowMs -= 7_200_000;
    expect(lists.peek({ uri: world.uri, idx: 0 })).toMatchObject({ isFresh: false, outlook: 'due' });
  });
});

describe('an old list does not come back', () => {
  it('one issued before the known one is a failure', async () => {
    const lists = world.lists();
    const verifier = world.verifier(lists);
    world.serve(world.list({}, [1]));
    await verdict(verifier, world.token(0));
    world.serve(world.list({ claims: { iat: NOW - 1 } }, [0]));
    world.time.nowMs += 100_000;
    expect(await verdict(verifier, world.token(0))).toBe('token_revoked');
    expect(lists.stats()).toMatchObject({ fetches: 2, failures: 1 });
    expect(lists.stats().lastFailure).toContain('older than the list that is known');
  });

  it('the same one again is fresh again', async () => {
    const lists = world.lists();
    const verifier = world.verifier(lists);
    await verdict(verifier, world.token(0));
    world.time.nowMs += 200_000;
    expect(await verdict(verifier, world.token(0))).toBe('accepted');
    expect(lists.stats()).toMatchObject({ fetches: 2, failures: 0, oldestAgeMs: 0 });
  });
});

describe('D7: the key of a list', () => {
  it('D7: what a key has signed counts for nothing once the key is withdrawn', async () => {
    const lists = world.lists();
    const verifier = world.verifier(lists);
    const token = await verifier.verify(world.token(0));
    const next = testKey('ES256', 'next');
    world.keys.replace({ keys: [next.material] });
    expect(verifier.holds(token)).toBe(false);
    expect(await verdict(verifier, world.token(0))).toBe('revocation_unavailable');
    world.serve(makeListToken(next, world.uri, encodeStatusList([1], 2), { claims: { iat: NOW - 50 } }));
    world.time.nowMs += 10_000;
    expect(await verdict(verifier, world.token(0))).toBe('token_revoked');
  });
});

describe('bounds', () => {
  it('concurrent tokens of one list share one fetch', async () => {
    const verifier = world.verifier();
    const verdicts = await Promise.all(Array.from({ length: 100 }, (_, idx) => verdict(verifier, world.token(idx % 2))));
    expect(tally(verdicts)).toEqual({ accepted: 50, token_revoked: 50 });
    expect(world.server.requests).toBe(1);
  });

  it('a flood of addresses costs as many fetches as the budget has, and no list that is known', async () => {
    const lists = world.lists({ maxFetchesPerMinute: 20 });
    const verifier = world.verifier(lists);
    serveAll();
    await verdict(verifier, world.token(0, path('good')));
    fail();
    for (let count = 0; count < 500; count += 1) {
      expect(await verdict(verifier, world.token(0, path(`flood-${count}`)))).toBe('revocation_unavailable');
    }
    expect(lists.stats()).toMatchObject({ fetches: 20, lists: 1, declined: 481 });
    // The known list is refreshed all the same.
    serveAll();
    world.time.nowMs += 100_000;
    expect(await verdict(verifier, world.token(0, path('good')))).toBe('accepted');
    expect(world.server.asked.at(-1)).toBe('/lists/good');
  });

  it('the budget fills up evenly, to what one minute may have', async () => {
    const lists = world.lists({ maxFetchesPerMinute: 6 });
    fail();
    const ask = async (name: string): Promise<number> => {
      for (let count = 0; count < 20; count += 1) await lists.refresh(path(`${name}-${count}`));
      return lists.stats().fetches;
    };
    expect(await ask('a')).toBe(6);
    world.time.nowMs += 20_000;
    expect(await ask('b')).toBe(8);
    world.time.nowMs += 10_000_000;
    expect(await ask('c')).toBe(14);
    world.time.nowMs -= 20_000_000;
    expect(await ask('d')).toBe(14);
  });

  it('no more than 16 fetches are under way at once', async () => {
    world.server.behaviour = () => {};
    const lists = world.lists();
    await Promise.all(Array.from({ length: 40 }, (_, count) => lists.refresh(path(count))));
    expect(lists.stats()).toMatchObject({ fetches: 16, failures: 16, declined: 24 });
  });

  it('by number: the list not used for longest makes place', async () => {
    serveAll();
    const lists = world.lists({ maxLists: 3 });
    for (const name of ['a', 'b', 'c']) await lists.refresh(path(name));
    lists.peek({ uri: path('a'), idx: 0 });
    await lists.refresh(path('d'));
    const known = ['a', 'b', 'c', 'd'].filter((name) => lists.peek({ uri: path(name), idx: 0 }).isFresh);
    expect(known).toEqual(['a', 'c', 'd']);
    expect(lists.stats()).toMatchObject({ lists: 3, evictions: 1 });
    expect(world.time.pending).toBe(3);
  });

  it('by memory, to the byte', async () => {
    serveAll(1000);
    const lists = world.lists({ maxListBytes: 1000, maxTotalBytes: 3000 });
    for (const name of ['a', 'b', 'c', 'd', 'd', 'e']) await lists.refresh(path(name));
    expect(lists.stats()).toMatchObject({ lists: 3, bytes: 3000, evictions: 2 });
    serveAll(1001);
    await lists.refresh(path('f'));
    expect(lists.stats()).toMatchObject({ lists: 3, bytes: 3000, failures: 1 });
  });

  it('an address that is not allowed is never fetched, not even when asked for', async () => {
    const lists = world.lists();
    await lists.refresh(`${world.server.origin}/other`);
    expect(world.server.requests).toBe(0);
  });
});

describe('close', () => {
  it('forgets, fetches nothing more, leaves no timer', async () => {
    const lists = world.lists();
    const verifier = world.verifier(lists);
    await verdict(verifier, world.token(0));
    const underWay = lists.refresh(path('b'));
    lists.close();
    await underWay;
    expect(await verdict(verifier, world.token(0))).toBe('revocation_unavailable');
    expect(lists.stats()).toMatchObject({ lists: 0, bytes: 0, fetches: 2, oldestAgeMs: 0 });
    expect(world.time.pending).toBe(0);
  });
});
