/** Whatever happens to clock, server and keys: what a cached verifier says agrees with the last list that was published to it. */
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { createCachedVerifier } from '../../../src/cache/cached-verifier.ts';
import type { Fetch } from '../../../src/keys/fetch-jwks.ts';
import { createLocalKeys } from '../../../src/keys/local-keys.ts';
import { createStatusListVerifier } from '../../../src/revocation/status-list/status-list-verifier.ts';
import { createStatusLists } from '../../../src/revocation/status-list/status-lists.ts';
import { createVerifier } from '../../../src/verify/create-verifier.ts';
import { amount } from '../../support/campaign.ts';
import { claimsWithStatus, encodeStatusList, makeListToken } from '../../support/status-lists.ts';
import { ISSUER, NOW, issuerPolicy, makeToken } from '../../support/tokens.ts';
import { verdict } from '../../support/verdicts.ts';
import { settle } from '../manual-schedule.ts';
import { listKey, tokenKey } from './world.ts';

const URI = 'https://issuer.example/lists/1';
const COOLDOWN_MS = 10_000;
const STALE_AFTER_MS = 3_600_000;
const SIZE = 3;

/** What the server gave out last, and when it was asked. */
interface Published {
  readonly statuses: readonly number[];
  readonly askedAtMs: number;
  readonly expiresAtMs: number;
}

class Model {
  nowMs = NOW * 1000;
  readonly timers = new Set<{ readonly atMs: number; readonly callback: () => void }>();
  readonly clock = (): number => this.nowMs;
  readonly statuses = [0, 0, 0];
  readonly seen = new Set<string>();
  isDown = false;
  expSeconds = 7200;
  last: Published | undefined;
  #askedAtMs = -Infinity;
  readonly lists = createStatusLists({
    issuer: ISSUER,
    keys: createLocalKeys({ issuer: ISSUER, keys: [listKey.material] }),
    algorithms: ['ES256'],
    uris: [URI],
    fetch: (url, init) => this.#answer(url, init),
    clock: this.clock,
    schedule: (callback, delayMs) => {
      const timer = { atMs: this.nowMs + delayMs, callback };
      this.timers.add(timer);
      return () => this.timers.delete(timer);
    },
  });
  readonly cached = createCachedVerifier(
    createStatusListVerifier(createVerifier({ issuers: [issuerPolicy(tokenKey)], clock: this.clock }), this.lists),
  );

  #answer: Fetch = async (url) => {
    const nowMs = this.nowMs;
    expect(url).toBe(URI);
    expect(nowMs - this.#askedAtMs).toBeGreaterThanOrEqual(COOLDOWN_MS);
    this.#askedAtMs = nowMs;
    if (this.isDown) return new Response(null, { status: 500 });
    const seconds = Math.floor(nowMs / 1000);
    const claims = { iat: seconds, exp: seconds + this.expSeconds, ttl: 100 };
    this.last = { statuses: [...this.statuses], askedAtMs: nowMs, expiresAtMs: (seconds + this.expSeconds) * 1000 };
    return new Response(makeListToken(listKey, URI, encodeStatusList(this.statuses, 2), { claims }), {
      headers: { 'content-type': 'application/statuslist+jwt' },
    });
  };

  /** Waits until every fetch has come to its end. */
  async settle(): Promise<void> {
    do await settle();
    while (this.lists.stats().inFlight > 0);
  }

  /** Lets time pass. Fetches that begin on the way take none of it. */
  async pass(delayMs: number): Promise<void> {
    const endMs = this.nowMs + delayMs;
    for (;;) {
      const next = [...this.timers].find(({ atMs }) => atMs <= endMs);
      if (next === undefined) break;
      this.timers.delete(next);
      this.nowMs = next.atMs;
      next.callback();
      await this.settle();
    }
    this.nowMs = endMs;
  }

  /** What must come out, once every fetch has come to its end. */
  expected(idx: number): string {
    if (this.last?.statuses[idx] !== undefined && this.last.statuses[idx] !== 0) return 'token_revoked';
    const nowMs = this.nowMs;
    const isFresh = this.last !== undefined && nowMs - this.last.askedAtMs < STALE_AFTER_MS && nowMs < this.last.expiresAtMs;
    return isFresh ? 'accepted' : 'revocation_unavailable';
  }
}

const tokens = Array.from({ length: SIZE }, (_, idx) =>
  makeToken(tokenKey, { payload: claimsWithStatus(URI, idx, { exp: NOW + 100_000_000 }) }),
);

type Step = (model: Model) => Promise<void> | void;

const use =
  (idx: number): Step =>
  async (model) => {
    const said = await verdict(model.cached, tokens[idx]);
    const known = model.expected(idx);
    model.seen.add(said);
    // The verdict may have been given before a fetch in the background came back; the next one can not.
    if (said !== known) {
      await model.settle();
      expect(await verdict(model.cached, tokens[idx])).toBe(model.expected(idx));
    }
  };

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 5, arbitrary: fc.nat(SIZE - 1).map(use) },
  {
    weight: 4,
    arbitrary: fc.constantFrom(1, 1000, 9999, 10_000, 60_000, 99_999, 100_000, 3_500_000, 3_600_000).map((ms): Step => {
      return async (model) => {
        await model.pass(ms);
      };
    }),
  },
  {
    weight: 2,
    arbitrary: fc.tuple(fc.nat(SIZE - 1), fc.nat(3)).map(
      ([idx, status]): Step =>
        (model) =>
          void (model.statuses[idx] = status),
    ),
  },
  {
    weight: 1,
    arbitrary: fc.boolean().map(
      (isDown): Step =>
        (model) =>
          void (model.isDown = isDown),
    ),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom(1, 50, 7200).map(
      (seconds): Step =>
        (model) =>
          void (model.expSeconds = seconds),
    ),
  },
);

test('a cached verdict agrees with the last published list, and no list is asked for twice in a cool-down', async () => {
  const seen = new Set<string>();
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 40 }), async (steps) => {
      const model = new Model();
      for (const act of steps) await act(model);
      for (const said of model.seen) seen.add(said);
      model.lists.close();
    }),
    { numRuns: amount(150, 20_000) },
  );
  expect(seen).toEqual(new Set(['accepted', 'token_revoked', 'revocation_unavailable']));
});
