/** The simulator's cache against the real one: the same tokens at the same times, hit by hit. */
import { randomInt } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { type VerificationCache, createCachedVerifier } from '../../core/src/cache/cached-verifier.ts';
import { type VerifiedTokenParts, createVerifiedToken } from '../../core/src/verify/verified-token.ts';
import { SieveSet } from '../src/simulation/sieve.ts';
import { type Random, createRandom } from '../src/simulation/random.ts';

/** The cache of the package core, in front of a verifier that accepts any token until the time that it is made of. */
class RealCache {
  #nowMs = 0;
  readonly #cache: VerificationCache;

  constructor(maxEntries: number) {
    const verifier = {
      policyId: 'any',
      verify: async (token: string) => createVerifiedToken(partsUntil(Number(token.split('.')[1]))),
      holds: (verdict: { readonly window: { readonly expiresAtMs: number } }) => this.#nowMs < verdict.window.expiresAtMs,
    };
    this.#cache = createCachedVerifier(verifier, { maxEntries, clock: () => this.#nowMs });
  }

  async use(key: number, nowMs: number, expiresMs: number): Promise<boolean> {
    this.#nowMs = nowMs;
    const { hits } = this.#cache.stats();
    await this.#cache.verify(`${key}.${expiresMs}`);
    return this.#cache.stats().hits > hits;
  }
}

function partsUntil(expiresAtMs: number): VerifiedTokenParts {
  const window = { notBeforeMs: Number.NEGATIVE_INFINITY, expiresAtMs };
  return {
    header: { alg: 'ES256' },
    claims: {},
    issuer: 'https://issuer.example',
    key: { id: 'key-1' },
    window,
  } as unknown as VerifiedTokenParts;
}

/** Tokens of users of unequal activity, whose lives, in milliseconds, begin and end at any time. */
function* requests(
  random: Random,
  users: number,
  count: number,
): Generator<readonly [key: number, nowMs: number, expiresMs: number]> {
  const expires = new Float64Array(users);
  let nowMs = 1_700_000_000_000;
  for (let step = 0; step < count; step += 1) {
    nowMs += Math.floor(random.exponential() * 20);
    const key = Math.floor(users * random.uniform() ** 2.5);
    if (nowMs >= expires[key]!) expires[key] = nowMs + 1 + Math.floor(random.exponential() * 8_000);
    yield [key, nowMs, expires[key]!];
  }
}

describe("the simulator's cache has the hits of the real one, each of them,", () => {
  it.each([
    [1, 10],
    [2, 10],
    [7, 30],
    [50, 400],
    [200, 400],
    [1_000, 1_000],
  ])('with %d entries for %d users', async (entries, users) => {
    const seed = Number(process.env.WATCHWORD_SEED ?? randomInt(2 ** 31));
    const [real, simulated] = [new RealCache(entries), new SieveSet(users, entries, 'sieve')];
    let [step, hits] = [0, 0];
    for (const [key, nowMs, expiresMs] of requests(createRandom(seed), users, 20_000)) {
      const isHit = simulated.use(key, nowMs / 1000, expiresMs / 1000);
      if ((await real.use(key, nowMs, expiresMs)) !== isHit) expect.fail(`seed ${seed}, request ${step}: simulated ${isHit}`);
      step += 1;
      if (isHit) hits += 1;
    }
    expect(hits, `seed ${seed}`).toBeGreaterThan(1_000);
  });
});
