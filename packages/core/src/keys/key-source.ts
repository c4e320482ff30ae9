/** Where the keys of one issuer come from. */
import type { WatchwordError } from '../errors.ts';
import type { VerificationKey } from './verification-key.ts';

/** A time in which unknown key ids stay unknown. */
export interface QuietTime {
  /** Key ids that are known. */
  readonly kids: readonly string[];
  readonly forMs: number;
}

/**
 * The trusted keys of exactly one issuer (invariant 6). A look-up sees the algorithm, already found in the allow-list, and the
 * key id; nothing else of a token reaches it (A9). Without a key id it gives the one key that fits, if there is exactly one.
 */
export interface KeySource {
  /** The one issuer whose keys these are: `iss` of its tokens, or the trust domain for Txn-Tokens. */
  readonly issuer: string;
  /** Identifies the source inside a policy id: the URL, or the thumbprints of fixed keys. */
  readonly id: string;
  /**
   * The key that is known and trusted now, at once and without I/O. Called for each verification and on each cache hit: a hit
   * holds only while this still gives the key that made it (D7, VC-2).
   */
  lookup(alg: string, kid: string | undefined, nowMs: number): VerificationKey | undefined;
  /**
   * The key after asking the network, if the source has one and may.
   * @throws WatchwordError `key_unknown`, or `keys_unavailable` when the answer could not be had (ER-4)
   */
  load(alg: string, kid: string | undefined): Promise<VerificationKey>;
  /**
   * Called where `lookup` knows no key: what `load` would throw now without asking anybody; undefined: it would ask. Where a flood
   * of unknown key ids is answered by what is known, that need not be by a promise for each (C2).
   */
  refusal?(alg: string, kid: string | undefined): WatchwordError | undefined;
  /**
   * For those who relay the source to others: while it would ask nobody for unknown key ids, the ones that it knows, and how long that
   * lasts at most. Undefined: it would ask, or has failed to, or cannot say.
   */
  quiet?(): QuietTime | undefined;
  /** Tells which keys have just left the trusted ones. @returns what ends the subscription */
  onRemoval?(listener: (keys: readonly VerificationKey[]) => void): () => void;
}
