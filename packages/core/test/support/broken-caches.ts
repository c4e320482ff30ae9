/** Caches with the published defects built in on purpose: what the equivalence test has to find. */
import { createCachedVerifier } from '../../src/cache/cached-verifier.ts';
import type { VerifiedToken } from '../../src/verify/verified-token.ts';
import type { Verifier } from '../../src/verify/verifier.ts';
import type { CacheFactory, CacheWorld, Pair } from './cache-world.ts';

/** By the defect: hole and what is wrong. */
export const BROKEN_CACHES: Readonly<Record<string, CacheFactory>> = {
  'D1: keyed by a prefix of the token': (verifier, maxEntries) =>
    keyedBy(verifier, maxEntries, (token) => token.slice(0, token.length - 20)),
  'D1: keyed without the signature': (verifier, maxEntries) =>
    keyedBy(verifier, maxEntries, (token) => token.slice(0, token.lastIndexOf('.'))),
  'D1: keyed by bytes that several characters share': (verifier, maxEntries) =>
    keyedBy(verifier, maxEntries, (token) => Buffer.from(token, 'latin1').toString('latin1')),
  'D2: one memory for several policies': (verifier, maxEntries, world) =>
    keyedBy(verifier, maxEntries, (token) => token, memoryOf(world)),
  'D4: expiry ignored on a hit': (verifier, maxEntries, world) =>
    createCachedVerifier(
      { ...verifier, holds: (token) => verifier.holds(token) || world.nowMs >= token.window.expiresAtMs },
      { maxEntries, clock: world.clock },
    ),
  'D4: not-before ignored on a hit': (verifier, maxEntries, world) =>
    createCachedVerifier(
      { ...verifier, holds: (token) => verifier.holds(token) || world.nowMs < token.window.notBeforeMs },
      { maxEntries, clock: world.clock },
    ),
  'D4: one millisecond too long': (verifier, maxEntries, world) =>
    createCachedVerifier(
      { ...verifier, holds: (token) => verifier.holds(token) || world.nowMs === token.window.expiresAtMs },
      { maxEntries, clock: world.clock },
    ),
  'D6: claims that callers can change': (verifier, maxEntries) => keyedBy(thawing(verifier), maxEntries, (token) => token),
  'D7: key removal ignored': (verifier, maxEntries, world) =>
    createCachedVerifier({ ...verifier, holds: (token) => stillTimely(token, world) }, { maxEntries, clock: world.clock }),
  'D7: a key known by its key id alone': (verifier, maxEntries, world) =>
    createCachedVerifier(
      { ...verifier, holds: (token) => stillTimely(token, world) && keyIdKnown(token, world) },
      { maxEntries, clock: world.clock },
    ),
  'D8: refusals remembered': (verifier) => rememberingRefusals(verifier),
};

type Memory = Map<string, VerifiedToken>;

const memories = new WeakMap<CacheWorld, Memory>();

function memoryOf(world: CacheWorld): Memory {
  const memory = memories.get(world) ?? new Map<string, VerifiedToken>();
  memories.set(world, memory);
  return memory;
}

function keyedBy(
  verifier: Verifier,
  maxEntries: number,
  keyOf: (token: string) => string,
  memory: Memory = new Map(),
): Pair['cached'] {
  const recall = (token: string): VerifiedToken | undefined => {
    const known = memory.get(keyOf(token));
    return known !== undefined && verifier.holds(known) ? known : undefined;
  };
  return {
    ...verifier,
    recall,
    async verify(token) {
      const verdict = recall(token) ?? (await verifier.verify(token));
      if (memory.size >= maxEntries) memory.clear();
      memory.set(keyOf(token), verdict);
      return verdict;
    },
  };
}

function stillTimely(token: VerifiedToken, world: CacheWorld): boolean {
  return Number.isFinite(world.nowMs) && token.isWithin(world.nowMs);
}

function keyIdKnown({ issuer, header }: VerifiedToken, world: CacheWorld): boolean {
  return world.issuers.some((keys) => keys.issuer === issuer && keys.trusted.some((key) => key.kid === header.kid));
}

// Hands out copies of the claims in place of the frozen ones, and the same copy to everybody.
function thawing(verifier: Verifier): Verifier {
  const originals = new WeakMap<VerifiedToken, VerifiedToken>();
  return {
    ...verifier,
    holds: (token) => verifier.holds(originals.get(token) ?? token),
    async verify(token) {
      const verdict = await verifier.verify(token);
      const { issuer, header, key, window } = verdict;
      const copy = Object.freeze({
        issuer,
        header,
        key,
        window,
        claims: structuredClone({ ...verdict.claims }),
      }) as unknown as VerifiedToken;
      originals.set(copy, verdict);
      return copy;
    },
  };
}

function rememberingRefusals(verifier: Verifier): Pair['cached'] {
  const refusals = new Map<string, unknown>();
  return {
    ...verifier,
    recall: () => undefined,
    async verify(token) {
      if (refusals.has(token)) throw refusals.get(token);
      try {
        return await verifier.verify(token);
      } catch (error) {
        refusals.set(token, error);
        throw error;
      }
    },
  };
}
