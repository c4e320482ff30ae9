/** Instances that share signing keys, on clocks of their own, in a world whose time a test moves. */
import { type SigningKeySet, createSigningKeySet } from '../../src/keys/signing-key-set.ts';
import type { SigningKeySetOptions } from '../../src/keys/signing-key-settings.ts';
import type { SigningKeyStore } from '../../src/keys/signing-key-store.ts';
import { ManualSchedule } from '../revocation/manual-schedule.ts';

export const START_MS = 1_800_000_000_000;

/** Keys for an hour, ten minutes ahead; held half an hour; clocks within 20 s. */
export const POLICY = {
  rotateEveryMs: 3_600_000,
  publishAheadMs: 600_000,
  holdMs: 1_800_000,
  tokenLifetimeMs: 300_000,
  toleranceMs: 20_000,
};

/** A set whose timers the test fires. */
export function startSet(
  store: SigningKeyStore,
  world: ManualSchedule,
  changes: Partial<SigningKeySetOptions> = {},
): SigningKeySet {
  const { clock, schedule } = world;
  return createSigningKeySet({ store, ...POLICY, pollMs: 5000, clock, schedule, ...changes });
}

export function world(): ManualSchedule {
  return new ManualSchedule(START_MS);
}
