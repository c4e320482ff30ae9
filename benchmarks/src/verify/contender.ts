/** What takes part in the comparison, as one contract. */
import type { BenchmarkAlgorithm, VerificationMaterial } from '../tokens/key-pair.ts';

/** The policy that everybody enforces: signature, algorithm, issuer, audience, expiry. */
export interface Policy {
  readonly algorithm: BenchmarkAlgorithm;
  readonly issuer: string;
  readonly audience: string;
  readonly material: VerificationMaterial;
  /** Distinct tokens in use: caches have room for them. */
  readonly cacheEntries: number;
}

/** One way to verify. */
export interface Way {
  /** The call, as a reader of the table knows it. */
  readonly call: string;
  /** Verifies one token. @throws whatever the library throws, also as a rejection: the token is refused */
  verify(token: string): unknown;
  /** The `sub` of what `verify` gave; undefined where it gives no claims. */
  subjectOf(verified: unknown): string | undefined;
}

/** One way to verify inputs that lie ready. */
export interface PreparedWay {
  readonly call: string;
  /** Whether the signature of the token with this number is good. */
  verify(index: number): boolean;
}

/** A library, set up for a policy. */
export interface Contender {
  readonly ways: readonly Way[];
  /** For the floor alone: verifies some tokens that were taken apart beforehand, in the place of fresh strings. */
  prepare?(tokens: readonly string[]): readonly PreparedWay[];
  /** Verifications so far that the cache could not answer; undefined where the library does not tell. */
  misses?(): number;
}

/** Sets a library up. */
export type CreateContender = (policy: Policy) => Contender | Promise<Contender>;
