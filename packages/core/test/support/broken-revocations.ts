/** Revocation, and caches in front of it, with defects built in on purpose: what the equivalence test has to find. */
import { createCachedVerifier } from '../../src/cache/cached-verifier.ts';
import { createMemoryRevocationLog } from '../../src/revocation/memory-log.ts';
import type { RevocationView } from '../../src/revocation/freshness.ts';
import { inPages } from '../../src/revocation/pages.ts';
import type { Revocation } from '../../src/revocation/revocation.ts';
import { RevocationIndex } from '../../src/revocation/revocation-index.ts';
import type { RevocationListener } from '../../src/revocation/revocation-log.ts';
import type { VerifiedToken } from '../../src/verify/verified-token.ts';
import type { Verifier } from '../../src/verify/verifier.ts';
import { codeOf } from './verdicts.ts';
import { type CacheWorld, PROPER_PARTS, type WorldParts } from './cache-world.ts';
import type { RevocationParts } from './world-revocations.ts';

/** By the defect: hole and what is wrong. */
export const BROKEN_REVOCATIONS: Readonly<Record<string, Partial<WorldParts>>> = {
  'D7: revocation ignored on a hit': held((_, token, world) => stillTrusted(token, world)),
  'D7: staleness ignored on a hit': held((verifier, token) => {
    try {
      return verifier.holds(token);
    } catch (error) {
      return codeOf(error) === 'revocation_unavailable';
    }
  }),
  'D7: entries dropped when told, and not asked about': {
    cache: (verifier) => droppingOnly(verifier),
  },
  ...Object.fromEntries(
    (['jti', 'sid', 'sub', 'kid'] as const).map((kind) => [`D7: ${kind} never revoked`, deaf((one) => kind in one)]),
  ),
  'D7: a subject revoked whenever its token was issued': heard((one) =>
    'sub' in one ? { ...one, issuedBefore: Number.MAX_SAFE_INTEGER } : one,
  ),
  'D7: a revocation ends a millisecond early': heard((one) => ({ ...one, expiresAtMs: Math.max(0, one.expiresAtMs - 1) })),
  'D7: a revocation without end': heard((one) => ({ ...one, expiresAtMs: Number.MAX_SAFE_INTEGER })),
  'D7: the same id of another issuer': heard((one) => ({ ...one, issuer: 'https://one.example' })),
  'D10: a restart that forgets the log': revocation({
    open: ({ clock }) => createMemoryRevocationLog({ clock }),
  }),
  'D10: a log that has lost its history brings tokens back': { revocation: credulous },
  'S15: what happened while the log was out of reach is never heard of': revocation({
    log: (log) => ({ ...log, follow: (listener) => log.follow({ ...bound(listener), entry: () => {} }) }),
  }),
  'S15: fresh, whatever the log says': revocation({ view: (all, nowMs) => viewOf(all, nowMs) }),
};

function held(holds: (verifier: Verifier, token: VerifiedToken, world: CacheWorld) => boolean): Partial<WorldParts> {
  return {
    cache: (verifier, maxEntries, world) =>
      createCachedVerifier({ ...verifier, holds: (token) => holds(verifier, token, world) }, { maxEntries }),
  };
}

function stillTrusted({ issuer, header, key, isWithin }: VerifiedToken, { issuers, nowMs }: CacheWorld): boolean {
  const keys = issuers.find((one) => one.issuer === issuer);
  return Number.isFinite(nowMs) && isWithin(nowMs) && keys?.lookup(header.alg, header.kid, nowMs)?.id === key.id;
}

// Right about everything that it is told of; not about time, staleness, and what it is told of before it has the token.
function droppingOnly(verifier: Verifier): ReturnType<WorldParts['cache']> {
  const memory = new Map<string, VerifiedToken>();
  verifier.onWithdrawal?.((withdrawn) => {
    for (const [token, { issuer }] of memory) if (issuer === withdrawn.issuer) memory.delete(token);
  });
  return {
    ...verifier,
    recall: (token) => memory.get(token),
    async verify(token) {
      const verdict = memory.get(token) ?? (await verifier.verify(token));
      memory.set(token, verdict);
      return verdict;
    },
  };
}

function revocation(parts: Partial<RevocationParts>): Partial<WorldParts> {
  return { revocation: () => ({ ...PROPER_PARTS.revocation(), ...parts }) };
}

function deaf(isUnheard: (revocation: Revocation) => boolean): Partial<WorldParts> {
  return heard((one) => (isUnheard(one) ? { ...one, expiresAtMs: 0 } : one));
}

// Each revocation is taken for another one.
function heard(change: (revocation: Revocation) => Revocation): Partial<WorldParts> {
  return revocation({
    view: (revocations, nowMs) => {
      const index = new RevocationIndex();
      revocations.onRevocation((one) => index.add(change(one)));
      return {
        get freshAtMs() {
          return revocations.freshAtMs;
        },
        revokes: (token) => index.revokes(token, nowMs()),
      };
    },
  });
}

// Believes each snapshot, and forgets what isn't in it.
function credulous(): RevocationParts {
  let index = new RevocationIndex();
  return {
    ...PROPER_PARTS.revocation(),
    log: (log) => ({
      ...log,
      follow: (listener) =>
        log.follow({
          ...bound(listener),
          async snapshot(pages, position) {
            const all: Revocation[] = [];
            for await (const page of pages) all.push(...page);
            await listener.snapshot(inPages(all), position);
            index = new RevocationIndex();
            for (const one of all) index.add(one);
          },
        }),
    }),
    view(revocations, nowMs) {
      revocations.onRevocation((one) => index.add(one));
      return {
        get freshAtMs() {
          return revocations.freshAtMs;
        },
        revokes: (token) => index.revokes(token, nowMs()),
      };
    },
  };
}

function viewOf(revocations: RevocationView, nowMs: () => number): RevocationView {
  return {
    get freshAtMs() {
      return nowMs();
    },
    revokes: (token, atMs) => revocations.revokes(token, atMs),
  };
}

function bound(listener: RevocationListener): RevocationListener {
  return {
    snapshot: (pages, position) => listener.snapshot(pages, position),
    entry: (entry) => listener.entry(entry),
    failed: (error) => listener.failed(error),
  };
}
