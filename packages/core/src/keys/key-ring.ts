/** An immutable set of keys with the look-ups that key sources need. */
import { sameAlgorithm } from './algorithms.ts';
import type { VerificationKey } from './verification-key.ts';

/** The keys that are trusted at one time. */
export class KeyRing {
  readonly keys: readonly VerificationKey[];
  // A Map: `kid` is untrusted input and finds nothing on a prototype (B10, C7, JB-11).
  readonly #byKid = new Map<string, VerificationKey[]>();

  constructor(keys: readonly VerificationKey[]) {
    const distinct = new Map(keys.map((key) => [key.id, key]));
    this.keys = [...distinct.values()];
    for (const key of this.keys) {
      if (key.kid === undefined) continue;
      const same = this.#byKid.get(key.kid);
      if (same) same.push(key);
      else this.#byKid.set(key.kid, [key]);
    }
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
    const candidates = kid === undefined ? this.keys : (this.#byKid.get(kid) ?? []);
    let found: VerificationKey | undefined;
    for (const key of candidates) {
      if (!sameAlgorithm(key.algorithm.name, alg)) continue;
      if (found !== undefined) return undefined;
      found = key;
    }
    return found;
  }
}
