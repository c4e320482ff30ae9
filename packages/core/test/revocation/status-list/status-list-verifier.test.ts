import { afterEach, beforeEach, describe, expect, it, test, vi } from 'vitest';
import { createCachedVerifier } from '../../../src/cache/cached-verifier.ts';
import type { Fetch } from '../../../src/keys/fetch-jwks.ts';
import { createLocalKeys } from '../../../src/keys/local-keys.ts';
import { createVerificationKey } from '../../../src/keys/verification-key.ts';
import { createRevocableVerifier } from '../../../src/revocation/revocable-verifier.ts';
import { RevocationIndex } from '../../../src/revocation/revocation-index.ts';
import { createStatusListVerifier } from '../../../src/revocation/status-list/status-list-verifier.ts';
import { createVerifier } from '../../../src/verify/create-verifier.ts';
import type { Verifier } from '../../../src/verify/verifier.ts';
import { encodeStatusList, listing } from '../../support/status-lists.ts';
import { ISSUER, NOW, issuerPolicy, makeToken } from '../../support/tokens.ts';
import { outcome, verdict } from '../../support/verdicts.ts';
import { StatusWorld, listKey, tokenKey } from './world.ts';

let world: StatusWorld;
beforeEach(async () => {
  world = await StatusWorld.start();
  world.serve();
});
afterEach(() => world.close());

describe('options are refused', () => {
  test.each<[string, () => unknown, string]>([
    ['unknown ones', () => world.verifier(undefined, { stale: 1 } as never), 'statusList.stale'],
    ['a third way', () => world.verifier(undefined, { whenStale: 'ignore' as never }), 'statusList.whenStale'],
    ['a word for yes', () => world.verifier(undefined, { required: 'yes' as never }), 'statusList.required'],
    ['INVALID as good', () => world.verifier(undefined, { acceptedStatuses: [1] }), 'statusList.acceptedStatuses'],
    ['SUSPENDED as good', () => world.verifier(undefined, { acceptedStatuses: [2] }), 'statusList.acceptedStatuses'],
    ['an unregistered status as good', () => world.verifier(undefined, { acceptedStatuses: [4] }), 'statusList.acceptedStatuses'],
    ['no verifier', () => createStatusListVerifier(undefined as never, world.lists()), 'statusList.verifier'],
    ['no lists', () => createStatusListVerifier(world.plain, undefined as never), 'statusList.lists'],
    ['a cache behind it', () => createStatusListVerifier(createCachedVerifier(world.plain), world.lists()), 'cache in front'],
  ])('%s', (_name, action, message) => {
    expect(action).toThrow(expect.objectContaining({ code: 'config_invalid', message: expect.stringContaining(message) }));
  });
});

describe('SL-4: statuses', () => {
  test.each<[string, number, string]>([
    ['VALID', 0, 'accepted'],
    ['INVALID', 1, 'token_revoked'],
    ['SUSPENDED', 2, 'token_revoked'],
    ['application-specific', 3, 'token_revoked'],
  ])('SL-4: %s', async (_name, idx, expected) => {
    expect(await verdict(world.verifier(), world.token(idx))).toBe(expected);
  });

  it('SL-4: application-specific ones are good where that is chosen, the others stay what they are', async () => {
    world.serve(world.list({ claims: { status_list: encodeStatusList([0, 1, 2, 3, 4, 12, 15], 4) } }));
    const verifier = world.verifier(undefined, { acceptedStatuses: [3, 12] });
    const verdicts = await Promise.all([0, 1, 2, 3, 4, 5, 6].map((idx) => verdict(verifier, world.token(idx))));
    const no = 'token_revoked';
    expect(verdicts).toEqual(['accepted', no, no, 'accepted', no, 'accepted', no]);
  });
});

describe('SL-1: the claim', () => {
  test.each([
    ['malformed', () => world.token('0')],
    ['with another address', () => world.token(0, 'https://intruder.example/lists/1')],
    ['with an address above the allowed ones', () => world.token(0, `${world.server.origin}/lists/../admin`)],
  ])('SL-1, C1: %s: is refused, and nothing is fetched', async (_name, token) => {
    const fetch = vi.fn<Fetch>(() => Promise.reject(new Error('asked')));
    const lists = world.lists({ fetch });
    for (const whenStale of ['refuse', 'accept'] as const)
      expect(await verdict(world.verifier(lists, { whenStale }), token())).toBe('claim_invalid');
    expect(fetch).not.toHaveBeenCalled();
  });

  it('missing: is accepted, unless it is required', async () => {
    const token = makeToken(tokenKey);
    expect(await verdict(world.verifier(), token)).toBe('accepted');
    expect(await verdict(world.verifier(undefined, { required: true }), token)).toBe('claim_missing');
    expect(world.server.requests).toBe(0);
  });

  it('of another issuer: is not for these lists', async () => {
    const other = 'https://other.example';
    const plain = createVerifier({
      issuers: [issuerPolicy(tokenKey), issuerPolicy(tokenKey, { issuer: other })],
      clock: world.time.clock,
    });
    const verifier = createStatusListVerifier(plain, world.lists(), { required: true });
    expect(await verdict(verifier, world.token(1, world.uri, { iss: other }))).toBe('accepted');
    expect(await verdict(verifier, world.token(1))).toBe('token_revoked');
  });
});

describe('SL-6: order', () => {
  test.each<[string, () => string, string]>([
    ['expired', () => world.token(0, world.uri, { exp: NOW - 100 }), 'token_expired'],
    ['expired and revoked', () => world.token(1, world.uri, { exp: NOW - 100 }), 'token_expired'],
    ['badly signed', () => `${world.token(0).slice(0, -8)}AAAAAAAA`, 'signature_invalid'],
    ['for another audience', () => world.token(0, world.uri, { aud: 'https://other.example' }), 'audience_mismatch'],
  ])('SL-6: a token that is %s is refused for that, and nothing is fetched', async (_name, token, expected) => {
    expect(await verdict(world.verifier(), token())).toBe(expected);
    expect(world.server.requests).toBe(0);
  });

  it('SL-6: a token that expires while its list is fetched has expired', async () => {
    const verifier = world.verifier();
    const token = world.token(0, world.uri, { exp: NOW + 1 });
    world.server.behaviour = (response, request) => {
      world.time.nowMs += 10_000;
      listing(world.list())(response, request);
    };
    expect(await verdict(verifier, token)).toBe('token_expired');
  });

  test.each([5, 19, 20, 2 ** 40])('SL-6: index %d: beyond the end it must be refused', async (idx) => {
    world.serve(world.list({}, [0, 0, 0, 0]));
    expect(await verdict(world.verifier(), world.token(idx))).toBe('claim_invalid');
    expect(await verdict(world.verifier(undefined, { whenStale: 'accept' }), world.token(idx))).toBe('claim_invalid');
  });

  it('a list that has grown is asked for once in a cool-down', async () => {
    const lists = world.lists();
    const verifier = world.verifier(lists);
    const token = world.token(30);
    expect(await verdict(verifier, token)).toBe('claim_invalid');
    world.serve(
      world.list(
        {},
        Array.from({ length: 40 }, () => 0),
      ),
    );
    expect(await verdict(verifier, token)).toBe('claim_invalid');
    expect(world.server.requests).toBe(1);
    await world.time.pass(10_000);
    expect(await verdict(verifier, token)).toBe('accepted');
    expect(world.server.requests).toBe(2);
  });
});

describe('under a cache', () => {
  it('D7: a verdict whose list says INVALID after a refresh is refused on the next hit', async () => {
    const lists = world.lists();
    const cached = createCachedVerifier(world.verifier(lists));
    const token = world.token(0);
    await cached.verify(token);
    expect(cached.recall(token)).toBeDefined();
    world.serve(world.list({}, [1]));
    await world.time.pass(50_000);
    await lists.refresh(world.uri);
    expect(cached.recall(token)).toBeUndefined();
    expect(await verdict(cached, token)).toBe('token_revoked');
  });

  it('a hit asks memory only', async () => {
    const cached = createCachedVerifier(world.verifier());
    const token = world.token(0);
    await cached.verify(token);
    for (let hit = 0; hit < 100; hit += 1) expect(cached.recall(token)).toBeDefined();
    expect(world.server.requests).toBe(1);
    expect(cached.stats().misses).toBe(1);
  });

  it('while the list can not be had, cached verdicts are not used, not lost, and not verified again', async () => {
    const lists = world.lists();
    const cached = createCachedVerifier(world.verifier(lists));
    const token = world.token(0);
    await cached.verify(token);
    world.server.behaviour = (response) => response.writeHead(500).end();
    world.time.nowMs += 3_599_000;
    await lists.refresh(world.uri);
    expect(cached.recall(token)).toBeDefined();
    world.time.nowMs += 1000;
    expect(outcome(() => cached.recall(token))).toBe('revocation_unavailable');
    expect(await verdict(cached, token)).toBe('revocation_unavailable');
    expect(cached.stats()).toMatchObject({ misses: 1, size: 1 });
    world.serve();
    world.time.nowMs += 10_000;
    expect(await verdict(cached, token)).toBe('accepted');
  });

  it('holds: false before the first fetch, a throw while cooling down, true once it is known', async () => {
    const lists = world.lists();
    const verifier = world.verifier(lists);
    const token = await world.plain.verify(world.token(0));
    expect(verifier.holds(token)).toBe(false);
    world.server.behaviour = (response) => response.writeHead(500).end();
    await lists.refresh(world.uri);
    expect(outcome(() => verifier.holds(token))).toBe('revocation_unavailable');
    expect(world.verifier(lists, { whenStale: 'accept' }).holds(token)).toBe(true);
    world.serve();
    world.time.nowMs += 10_000;
    expect(verifier.holds(token)).toBe(false);
    await lists.refresh(world.uri);
    expect(verifier.holds(token)).toBe(true);
    expect(verifier.holds(await world.plain.verify(world.token(1)))).toBe(false);
  });
});

describe('together with other decorators', () => {
  const revocations = (): { index: RevocationIndex; view: Parameters<typeof createRevocableVerifier>[1] } => {
    const index = new RevocationIndex();
    return { index, view: { freshAtMs: NOW * 1000, revokes: (token, nowMs) => index.revokes(token, nowMs) } };
  };
  test.each(['inside', 'outside'])('revocations %s of it: each refuses what it knows', async (place) => {
    const { index, view } = revocations();
    const lists = world.lists();
    const revocable = (verifier: Verifier): Verifier => createRevocableVerifier(verifier, view, { clock: world.time.clock });
    const status = (verifier: Verifier): Verifier => createStatusListVerifier(verifier, lists);
    const cached = createCachedVerifier(place === 'inside' ? status(revocable(world.plain)) : revocable(status(world.plain)));
    const [good, listed] = [world.token(0), world.token(1)];
    expect([await verdict(cached, good), await verdict(cached, listed)]).toEqual(['accepted', 'token_revoked']);
    index.add({ issuer: ISSUER, jti: 'token-1', expiresAtMs: (NOW + 3600) * 1000 });
    expect([cached.recall(good), await verdict(cached, good)]).toEqual([undefined, 'token_revoked']);
  });

  it('two issuers: one decorator on the other', async () => {
    const other = 'https://other.example';
    const plain = createVerifier({
      issuers: [issuerPolicy(tokenKey), issuerPolicy(tokenKey, { issuer: other })],
      clock: world.time.clock,
    });
    const theirs = world.lists({ issuer: other, keys: createLocalKeys({ issuer: other, keys: [listKey.material] }) });
    const verifier = createStatusListVerifier(createStatusListVerifier(plain, world.lists()), theirs);
    for (const iss of [ISSUER, other]) {
      expect(await verdict(verifier, world.token(1, world.uri, { iss }))).toBe('token_revoked');
      expect(await verdict(verifier, world.token(0, world.uri, { iss }))).toBe('accepted');
    }
  });

  it('withdrawals of the verifier inside are passed on', () => {
    const keys = createLocalKeys({ issuer: ISSUER, keys: [tokenKey.material] });
    const plain = createVerifier({ issuers: [issuerPolicy(tokenKey, { keys })] });
    const told: unknown[] = [];
    const stop = createStatusListVerifier(plain, world.lists()).onWithdrawal!((withdrawal) => told.push(withdrawal));
    keys.replace({ keys: [listKey.material] });
    expect(told).toEqual([{ issuer: ISSUER, keyId: createVerificationKey(tokenKey.material).id }]);
    stop();
    keys.replace({ keys: [tokenKey.material] });
    expect(told).toHaveLength(1);
  });

  it('D2: another policy, another id', () => {
    const lists = world.lists();
    const ids = [
      world.plain,
      world.verifier(lists),
      world.verifier(world.lists()),
      world.verifier(lists, { required: true }),
      world.verifier(lists, { whenStale: 'accept' }),
      world.verifier(lists, { acceptedStatuses: [3] }),
    ].map(({ policyId }) => policyId);
    expect(new Set(ids).size).toBe(ids.length);
    expect(world.verifier(lists).policyId).toBe(ids[1]);
  });
});
