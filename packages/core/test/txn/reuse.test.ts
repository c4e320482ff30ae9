/** The reuse window: equal requests share a token for a while, and nothing but equal requests. */
import { describe, expect, test } from 'vitest';
import { createCachedVerifier } from '../../src/cache/cached-verifier.ts';
import { type TxnMinter, type TxnMinterOptions, type TxnRequest } from '../../src/txn/mint.ts';
import { testKey } from '../support/keys.ts';
import { NOW, accessClaims, makeToken, verifiedToken, verifierOf } from '../support/tokens.ts';
import { minterOf, read } from '../support/txn.ts';

const subject = await verifiedToken({ exp: NOW + 3600 });

/** A minter with a clock that the test moves, in seconds from NOW. */
function timed(options: Partial<TxnMinterOptions> = {}): {
  minter: TxnMinter;
  at(seconds: number, request?: Partial<TxnRequest>): string;
} {
  let now = NOW;
  const minter = minterOf({ ...options, clock: () => now * 1000 });
  return { minter, at: (seconds, request = {}) => ((now = NOW + seconds), minter.mint({ subject, ...request })) };
}

describe('what is not shared', () => {
  test('requests that differ in anything that goes into the token', () => {
    const { at } = timed();
    const requests: Partial<TxnRequest>[] = [
      {},
      { scopes: [] },
      { scopes: ['read'] },
      { scopes: ['write'] },
      { scopes: ['read', 'write'] },
      { scopes: ['write', 'read'] },
      { requestContext: {} },
      { transactionContext: {} },
      { requestContext: { a: 1 } },
      { transactionContext: { a: 1 } },
      { requestContext: { a: 1 }, transactionContext: { a: 1 } },
      { requestContext: { a: '1' } },
      { requestContext: { a: [1] } },
      { scopes: ['read'], requestContext: { a: 1 } },
      { scopes: ['read'], transactionContext: { a: 1 } },
      { scopes: [], requestContext: {} },
    ];
    const tokens = requests.map((request) => at(0, request));
    expect(new Set(tokens).size).toBe(requests.length);
    // And each again: the same as before.
    expect(requests.map((request) => at(1, request))).toEqual(tokens);
  });

  test('requests for different subjects, though their claims be equal', async () => {
    const { at } = timed();
    const twin = await verifiedToken({ exp: NOW + 3600 });
    const other = await verifiedToken({ exp: NOW + 3600, sub: 'user-2' });
    expect(new Set([at(0), at(0, { subject: twin }), at(0, { subject: other })]).size).toBe(3);
    expect(read(at(0, { subject: other })).claims.sub).toBe('user-2');
  });

  test('requests that ask for a token of their own, and it is not handed to others either', () => {
    const { at, minter } = timed();
    const shared = at(0);
    const own = [at(0, { reuse: false }), at(0, { reuse: false })];
    expect(new Set([shared, ...own]).size).toBe(3);
    expect(at(0)).toBe(shared);
    expect(minter.stats()).toEqual({ minted: 3, reused: 1 });
  });

  test('anything, with a window of 0: one token for each request', () => {
    const { at, minter } = timed({ reuseWindowSeconds: 0 });
    expect(new Set(Array.from({ length: 20 }, () => at(0))).size).toBe(20);
    expect(minter.stats()).toEqual({ minted: 20, reused: 0 });
  });

  test('tokens of different minters', () => {
    expect(timed().at(0)).not.toBe(timed().at(0));
  });
});

describe('how long', () => {
  test('30 s by default, to the millisecond, counted from the minting and not from the last use', () => {
    const { at, minter } = timed();
    const first = at(0);
    expect([at(1), at(20), at(29.999)]).toEqual([first, first, first]);
    const second = at(30);
    expect(second).not.toBe(first);
    expect([at(59.999), at(60) === second]).toEqual([second, false]);
    expect(minter.stats()).toEqual({ minted: 3, reused: 4 });
  });

  test('half the life where that is shorter', () => {
    const { at } = timed({ lifetimeSeconds: 20 });
    const first = at(0);
    expect([at(9.999) === first, at(10) === first]).toEqual([true, false]);
  });

  test('a token in its last second is not handed out any more', async () => {
    const { at } = timed({ lifetimeSeconds: 60, reuseWindowSeconds: 59 });
    const first = at(0.5);
    expect([at(58.999) === first, at(59) === first]).toEqual([true, false]);
    const brief = await verifiedToken({ exp: NOW + 5 });
    const short = at(0, { subject: brief });
    expect([at(8.9, { subject: brief }) === short, at(9, { subject: brief }) === short]).toEqual([true, false]);
  });

  test('a clock that steps back finds no token from its future', () => {
    const { at } = timed();
    const first = at(100);
    expect(at(99.9)).not.toBe(first);
    expect(read(at(50)).claims.iat).toBe(NOW + 50);
  });

  test('TT-4: reuse does not outlive the subject token', async () => {
    const brief = await verifiedToken({ exp: NOW + 2 });
    const { at } = timed();
    at(0, { subject: brief });
    expect(() => at(7, { subject: brief })).toThrow(expect.objectContaining({ code: 'token_expired' }));
  });
});

describe('behind a cache', () => {
  test('the second request of a client gets the token of the first', async () => {
    const key = testKey('ES256');
    const cached = createCachedVerifier(verifierOf(key));
    const compact = makeToken(key, { payload: accessClaims({ exp: NOW + 3600 }) });
    const { at } = timed();
    const first = at(0, { subject: await cached.verify(compact) });
    expect(at(1, { subject: await cached.verify(compact) })).toBe(first);
  });

  test('a thousand contexts of one subject do not pile up, and never mix', () => {
    const { at, minter } = timed();
    for (let index = 0; index < 1000; index += 1) {
      expect(read(at(0, { requestContext: { index } })).claims.rctx).toEqual({ index });
    }
    expect(minter.stats()).toEqual({ minted: 1000, reused: 0 });
  });
});
