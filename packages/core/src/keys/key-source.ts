/** Where the keys of one issuer come from. */
import type { VerificationKey } from './verification-key.ts';

/** All that a look-up may depend on: nothing else of a token reaches it (A9). */
export interface KeyQuery {
  /** Algorithm of the token header, already found in the allow-list. */
  readonly alg: string;
  /** Key id of the token header; undefined: the one key that fits the algorithm, if there is exactly one. */
  readonly kid: string | undefined;
}

/** The trusted keys of exactly one issuer (invariant 6). Implementations are tested by `keys/key-source` suite. */
export interface KeySource {
  /** Identifies the source inside a policy id: the URL, or the thumbprints of fixed keys. */
  readonly id: string;
  /** A known and trusted key, at once and without I/O. */
  lookup(query: KeyQuery, nowMs: number): VerificationKey | undefined;
  /**
   * The key after asking the network, if the source has one and may.
   * @throws WatchwordError `key_unknown`, or `keys_unavailable` when the answer could not be had
   */
  load(query: KeyQuery): Promise<VerificationKey>;
  /** Whether a key that verified a token earlier is trusted now. Called on each cache hit: cheap, no I/O. */
  trusts(key: VerificationKey, nowMs: number): boolean;
}
