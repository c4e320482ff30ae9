/** Reads the options of a signing-key set, once and completely. */
import { type Clock, systemClock } from '../clock.ts';
import { assertConfig } from '../errors.ts';
import { assertBetween, assertFunction, assertKnownOptions } from '../options.ts';
import { type Schedule, systemSchedule } from '../revocation/schedule.ts';
import { type Seal, createSeal } from './seal.ts';
import { SEAL_PURPOSE } from './signing-key-document.ts';
import { type RotationPolicy, readRotationPolicy } from './signing-key-plan.ts';
import type { SigningKeyStore } from './signing-key-store.ts';
import { type SigningMaterial, assertSigningAlgorithm } from './signing-key.ts';

/** How keys rotate, and where they are kept. */
export interface SigningKeySetOptions {
  readonly store: SigningKeyStore;
  /** Algorithm of new keys. Default `ES256`. Keys of another one that are there already live their lives out. */
  readonly algorithm?: SigningMaterial['alg'];
  /** From the activation of one key to that of the next. Default a day. */
  readonly rotateEveryMs?: number;
  /**
   * How long a key is published before it signs. It has to be longer than the time for which a verifier keeps a key set (`refreshMs`
   * of our remote keys, 5 minutes) plus the time for which a cache on the way may (`max-age` of the set, 5 minutes). Default 15
   * minutes.
   */
  readonly publishAheadMs?: number;
  /** How much longer than planned a key may sign while the store is away. After that nothing is signed. Default `rotateEveryMs`. */
  readonly holdMs?: number;
  /** Longest life of a token that these keys sign. Default 300 s, the longest that a Txn-Token can have. */
  readonly tokenLifetimeMs?: number;
  /** Most by which two clocks differ; an instance whose clock differs from the store's by half of it changes nothing. Default 60 s. */
  readonly toleranceMs?: number;
  /** Secrets of 32 bytes under which keys are encrypted at rest: the first encrypts, all decrypt. Default none. */
  readonly encryptionKeys?: readonly Uint8Array[];
  /** Lets keys lie in a remote store as they are. Default false. */
  readonly allowPlaintext?: boolean;
  /** How often to look at the store. Default 5 s. */
  readonly pollMs?: number;
  readonly clock?: Clock;
  readonly schedule?: Schedule;
}

/** Checked options with every default in place. */
export interface SigningKeySetSettings {
  readonly store: SigningKeyStore;
  readonly algorithm: SigningMaterial['alg'];
  readonly policy: RotationPolicy;
  readonly seal: Seal | undefined;
  readonly pollMs: number;
  readonly clock: Clock;
  readonly schedule: Schedule;
}

const OPTIONS: readonly (keyof SigningKeySetOptions)[] = [
  'store',
  'algorithm',
  'rotateEveryMs',
  'publishAheadMs',
  'holdMs',
  'tokenLifetimeMs',
  'toleranceMs',
  'encryptionKeys',
  'allowPlaintext',
  'pollMs',
  'clock',
  'schedule',
];

/** @throws WatchwordError `config_invalid` naming the option */
export function readSigningKeySetOptions(options: SigningKeySetOptions): SigningKeySetSettings {
  assertKnownOptions(options, OPTIONS, 'signingKeys');
  const { store, encryptionKeys, allowPlaintext = false, rotateEveryMs = 86_400_000 } = options;
  assertConfig(typeof store?.load === 'function' && typeof store.replace === 'function', 'signingKeys.store: must be a store');
  assertConfig(typeof allowPlaintext === 'boolean', 'signingKeys.allowPlaintext: must be true or false');
  assertConfig(
    !store.isRemote || encryptionKeys !== undefined || allowPlaintext,
    'signingKeys.encryptionKeys: needed with a remote store: whoever reads it could sign (or set allowPlaintext)',
  );
  return {
    store,
    algorithm: assertSigningAlgorithm(options.algorithm ?? 'ES256'),
    policy: readRotationPolicy({
      rotateEveryMs,
      publishAheadMs: options.publishAheadMs ?? 900_000,
      holdMs: options.holdMs ?? rotateEveryMs,
      tokenLifetimeMs: options.tokenLifetimeMs ?? 300_000,
      toleranceMs: options.toleranceMs ?? 60_000,
    }),
    seal: encryptionKeys && createSeal(encryptionKeys, SEAL_PURPOSE),
    pollMs: assertBetween(options.pollMs ?? 5000, 1, 3_600_000, 'signingKeys.pollMs'),
    clock: assertFunction(options.clock ?? systemClock, 'signingKeys.clock'),
    schedule: assertFunction(options.schedule ?? systemSchedule, 'signingKeys.schedule'),
  };
}
