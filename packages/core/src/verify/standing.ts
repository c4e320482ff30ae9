/**
 * What verdicts rest on besides their own time, told for many of them at once: a memory can then check a verdict without waiting for
 * it to come out of cold memory. `Verifier.holds` is the rule; this is the same answer by another way, or none.
 */
import type { VerifiedToken } from './verified-token.ts';
import type { Verifier } from './verifier.ts';

/** What many verdicts have in common: issuer, key, and whatever else a verifier goes by. */
export interface Grounds {
  /**
   * What `holds` says or throws for each verdict on these grounds whose window contains all whole seconds from `from` to before
   * `until`. False means nothing: ask `holds`.
   */
  hold(from: number, until: number): boolean;
}

/** A verifier's other way to say that verdicts hold. */
export interface Standing {
  /** Rises with each fact that may end a verdict, apart from time and what its grounds look at. */
  readonly version: number;
  /** The grounds of a verdict that holds now, until `version` rises; undefined: only `holds` can tell. */
  groundsOf(token: VerifiedToken): Grounds | undefined;
}

// By the function and not by the verifier: whoever spreads a verifier and puts a `holds` of his own into the copy has no standing,
// and is asked each time.
const STANDINGS = new WeakMap<Verifier['holds'], Standing>();

/** Gives a verifier its standing. */
export function withStanding(verifier: Verifier, standing: Standing | undefined): Verifier {
  if (standing !== undefined) STANDINGS.set(verifier.holds, standing);
  return verifier;
}

/** The standing that goes with the verifier's present `holds`. */
export function standingOf(verifier: Verifier): Standing | undefined {
  return STANDINGS.get(verifier.holds);
}

/** What a decorator's `holds` asks after that of the verifier inside. */
export interface FurtherFacts {
  /** See {@link Standing.version}. */
  version(): number;
  /** Whether only `version` can end the verdict, as far as the decorator is concerned. */
  isSettled(token: VerifiedToken): boolean;
  /** What is asked on each hit. @throws what `holds` throws */
  hold(): boolean;
}

/** The standing of a decorator; undefined if the verifier inside has none. */
export function narrowStanding(inside: Verifier, further: FurtherFacts): Standing | undefined {
  const standing = standingOf(inside);
  if (standing === undefined) return undefined;
  const { holds } = inside;
  const narrowed = new WeakMap<Grounds, Grounds>();
  const narrow = (grounds: Grounds): Grounds => ({
    hold: (from, until) => inside.holds === holds && grounds.hold(from, until) && further.hold(),
  });
  return {
    get version() {
      return standing.version + further.version();
    },
    groundsOf(token) {
      const grounds = further.isSettled(token) ? standing.groundsOf(token) : undefined;
      if (grounds === undefined) return undefined;
      const known = narrowed.get(grounds) ?? narrow(grounds);
      narrowed.set(grounds, known);
      return known;
    },
  };
}
