/** Caches that read notes instead of verdicts, with defects built in on purpose: what the equivalence test has to find. */
import { createCachedVerifier } from '../../src/cache/cached-verifier.ts';
import { giveVersion, versionOf } from '../../src/revocation/view-version.ts';
import { type Grounds, type Standing, standingOf, withStanding } from '../../src/verify/standing.ts';
import type { Verifier } from '../../src/verify/verifier.ts';
import { type CacheWorld, PROPER_PARTS, type WorldParts } from './cache-world.ts';
import { codeOf } from './verdicts.ts';

/** Nothing but the notes, and they are right. */
export const NOTES_ALONE: Partial<WorldParts> = standing((proper) => proper);

/** By the defect: hole and what is wrong. */
export const BROKEN_STANDINGS: Readonly<Record<string, Partial<WorldParts>>> = {
  'D7: notes that no revocation makes old': standing((proper) => ({
    version: 0,
    groundsOf: (token) => proper.groundsOf(token),
  })),
  'D4: notes that look at no time': grounds((proper) => ({ hold: () => proper.hold(0, 2 ** 31) })),
  'D4: notes that look at no not-before': grounds((proper) => ({ hold: (_, until) => proper.hold(0, until) })),
  'D7: notes that look at no key': grounds((_, { nowMs }) => ({
    hold: (from, until) => nowMs() >= from * 1000 && nowMs() < until * 1000,
  })),
  'D7: notes that look at no staleness': grounds((proper) => ({
    hold(from, until) {
      try {
        return proper.hold(from, until);
      } catch (error) {
        return codeOf(error) === 'revocation_unavailable';
      }
    },
  })),
  'D7: a revocation that is over is forgotten, and the clock is set back': {
    ...standing((proper) => proper),
    revocation: () => ({
      ...PROPER_PARTS.revocation(),
      view(revocations, nowMs) {
        const view = {
          get freshAtMs() {
            return revocations.freshAtMs;
          },
          revokes: (...[token, atMs]: Parameters<typeof revocations.revokes>) =>
            revocations.revokes(token, Number.isNaN(atMs) ? nowMs() : atMs),
        };
        giveVersion(view, versionOf(revocations)!);
        return view;
      },
    }),
  },
};

type World = { readonly nowMs: () => number };

/** Hears of no withdrawal, which would free the notes along with the verdicts. */
export function deaf({ policyId, verify, holds }: Verifier): Verifier {
  return { policyId, verify, holds: (token) => holds(token) };
}

function standing(change: (proper: Standing, world: World) => Standing): Partial<WorldParts> {
  return {
    cache: (verifier, maxEntries, world: CacheWorld) => {
      const copy = deaf(verifier);
      const broken = change(standingOf(verifier)!, { nowMs: () => world.nowMs });
      return createCachedVerifier(withStanding(copy, broken), { maxEntries, clock: world.clock });
    },
  };
}

function grounds(change: (proper: Grounds, world: World) => Grounds): Partial<WorldParts> {
  return standing((proper, world) => {
    const changed = new WeakMap<Grounds, Grounds>();
    return {
      get version() {
        return proper.version;
      },
      groundsOf(token) {
        const found = proper.groundsOf(token);
        if (found === undefined) return undefined;
        if (!changed.has(found)) changed.set(found, change(found, world));
        return changed.get(found);
      },
    };
  });
}
