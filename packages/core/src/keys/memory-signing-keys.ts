/** A store of signing keys for one process; nothing survives it. */
import { randomUUID } from 'node:crypto';
import { type Clock, readClock, systemClock } from '../clock.ts';
import { assertFunction, assertKnownOptions } from '../options.ts';
import type { SigningKeyStore } from './signing-key-store.ts';

/** Makes a store. Several sets in one process may share it. @throws WatchwordError `config_invalid` */
export function createMemorySigningKeyStore(options: { readonly clock?: Clock } = {}): SigningKeyStore {
  assertKnownOptions(options, ['clock'], 'memorySigningKeys');
  const clock = assertFunction(options.clock ?? systemClock, 'memorySigningKeys.clock');
  let content: string | undefined;
  let version: string | undefined;
  return {
    isRemote: false,
    load: async () => ({ content, version, nowMs: readClock(clock) }),
    async replace(next, expected, notAfterMs) {
      if (expected !== version || readClock(clock) > notAfterMs) return false;
      content = next;
      version = randomUUID();
      return true;
    },
    close: async () => {},
  };
}
