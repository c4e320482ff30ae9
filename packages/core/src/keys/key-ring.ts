/** An immutable set of keys with the look-ups that key sources need. */
import { sameAlgorithm } from './algorithms.ts';
import type { VerificationKey } from './verification-key.ts';

/** So many are compared one by one. */
const FEW = 16;
const NONE: readonly VerificationKey[] = [];

/** The keys that are trusted at one time. */
export class KeyRing {
  readonly keys: readonly VerificationKey[];
  // A Map: `kid` is untrusted input and finds nothing on a prototype (B10, C7, JB-11). Only for many keys, because V8 keeps a copy of
  // each text that a Map is asked for, and strangers may send another one each time.
  readonly #byKid: ReadonlyMap<string | undefined, readonly VerificationKey[]> | undefined;

  constructor(keys: readonly VerificationKey[]) {
    const distinct = new Map(keys.map((key) => [key.id, key]));
    this.keys = [...distinct.values()];
    this.#byKid = this.keys.length > FEW ? Map.groupBy(this.keys, ({ kid }) => kid) : undefined;
  }

  /** The keys that the other ring has not: by material, algorithm and key id. */
  keysNotIn(other: KeyRing): readonly VerificationKey[] {
    const ids = new Set(other.keys.map((key) => key.id));
    return this.keys.filter((key) => !ids.has(key.id));
  }

  /**
   * The key for a token. Without a key id only if exactly one key fits the algorithm; with one never a key that has none or
   * another.
   */
  find(alg: string, kid: string | undefined): VerificationKey | undefined {
    const candidates = kid === undefined ? this.keys : this.#candidates(kid);
    let found: VerificationKey | undefined;
    for (const key of candidates) {
      if (kid !== undefined && key.kid !== kid) continue;
      if (!sameAlgorithm(key.algorithm.name, alg)) continue;
      if (found !== undefined) return undefined;
      found = key;
    }
    return found;
  }

  #candidates(kid: string): readonly VerificationKey[] {
    return this.#byKid === undefined ? this.keys : (this.#byKid.get(kid) ?? NONE);
  }
}
