/** The contract of every store of signing keys. `packages/core/test/keys/signing-key-store-suite.ts` is its test. */

/** What a store holds. */
export interface StoredKeySet {
  /** Changes with each replacement, and never comes again, also after the store lost data. Undefined: the store is empty. */
  readonly version: string | undefined;
  /** As it was given to `replace`; undefined: the store is empty. */
  readonly content: string | undefined;
  /** The time by the clock of the store, in Unix milliseconds. */
  readonly nowMs: number;
}

/**
 * One text, replaced as a whole by whoever saw the latest version of it. So of several instances that want to rotate exactly one
 * does, and one that dies meanwhile has done it or has not: there is no lock that it could leave behind.
 */
export interface SigningKeyStore {
  /** Whether it keeps its content where others than this machine's administrators may read it: then it is to be encrypted. */
  readonly isRemote: boolean;
  /** @throws whatever tells that it can't be read (as a rejection) */
  load(): Promise<StoredKeySet>;
  /**
   * Replaces the content, durably, if it still is of `version` and the time by the store's clock is not after `notAfterMs`: a
   * writer that was stopped for an hour, or whose command was held up, must not bring times of an hour ago. After a rejection it
   * may have been done nevertheless.
   * @returns whether it was done
   */
  replace(content: string, version: string | undefined, notAfterMs: number): Promise<boolean>;
  /** Gives back what is open. */
  close(): Promise<void>;
}
