/** The keys of the Txn-Tokens issued here, as a source for verifying them: whatever is published now. */
import { type Clock, type KeySource, WatchwordError, createLocalKeys } from '@watchword/core';

/** Time for which a look-up trusts what it has seen; a key that is not known is looked for at once. */
const LOOK_EVERY_MS = 1000;

/** Whose keys, and where they are. */
export interface OwnKeysOptions {
  /** What is published now. */
  readonly published: () => { readonly keys: readonly object[] };
  /** Looks for keys that other instances have made: bounded by itself, whatever tokens come. */
  readonly freshen: () => Promise<void>;
  readonly trustDomain: string;
  readonly algorithm: string;
  readonly clock: Clock;
}

/** Builds the source. */
export function createOwnKeys({ published, freshen, trustDomain, algorithm, clock }: OwnKeysOptions): KeySource {
  // Keys of another algorithm are left from an earlier configuration.
  const read = (): readonly object[] => published().keys.filter((key) => (key as { alg?: unknown }).alg === algorithm);
  const first = read();
  const keys = createLocalKeys({ issuer: trustDomain, ...setOf(first, algorithm) });
  let seen = JSON.stringify(first);
  let seenAtMs = clock();
  const look = (): void => {
    seenAtMs = clock();
    const now = read();
    const text = JSON.stringify(now);
    if (text === seen) return;
    seen = text;
    keys.replace(setOf(now, algorithm));
  };
  return {
    issuer: trustDomain,
    id: 'own',
    lookup(alg, kid, nowMs) {
      // Both ways: a clock set back must not stop the looking.
      if (!(Math.abs(clock() - seenAtMs) < LOOK_EVERY_MS)) look();
      return keys.lookup(alg, kid, nowMs);
    },
    async load(alg, kid) {
      await freshen();
      look();
      const key = keys.lookup(alg, kid, clock());
      if (key === undefined) throw new WatchwordError('key_unknown');
      return key;
    },
    onRemoval: (listener) => keys.onRemoval!(listener),
  };
}

// Before a store was read for the first time there are none.
function setOf(keys: readonly object[], algorithm: string) {
  return keys.length === 0 ? { keys: [] } : { jwks: { keys }, algorithms: [algorithm] };
}
