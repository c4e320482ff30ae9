/** Signing keys that rotate by schedule, out of a store that several instances may share. Exactly one of them makes each key. */
import type { WatchwordError } from '../errors.ts';
import type { KeyState, KeyTimes, RotationRequest } from './signing-key-plan.ts';
import { type SigningKeySetOptions, readSigningKeySetOptions } from './signing-key-settings.ts';
import type { ScheduledKey, SigningKeys } from './signing-keys.ts';
import { StoredSigningKeySet } from './stored-signing-key-set.ts';

/** One key as operators see it: never what it signs with. */
export interface KeyDescription extends KeyTimes {
  readonly kid: string;
  readonly alg: string;
  readonly state: KeyState;
}

/** Numbers for metrics. */
export interface SigningKeySetStats {
  /** Whether the last attempt to read the store worked. */
  readonly isReachable: boolean;
  /** Time since the store was last read; Infinity: never. */
  readonly lagMs: number;
  /** Keys made here. */
  readonly rotations: number;
  readonly failures: number;
  /** Keys given back to a store that had lost them. */
  readonly restored: number;
}

/** A set of keys that looks after itself once `ready` was called. */
export interface SigningKeySet extends SigningKeys {
  /** Resolves once there is a key to sign with; a store that is empty gets its first one. @throws WatchwordError `signing_unavailable` */
  ready(): Promise<void>;
  /** Looks at the store now, and does what is due. @throws WatchwordError `signing_unavailable`; what is known goes on working */
  refresh(): Promise<void>;
  /** Looks at the store now, and changes nothing in it, whatever is due. @throws WatchwordError `signing_unavailable` */
  look(): Promise<void>;
  /**
   * Begins a rotation before its time. `planned`: the new key is published first, and signs after `publishAheadMs`; one that is on
   * its way already is enough. `at-once`: it signs now, verifiers learn of it by fetching. What older keys sign is good as before:
   * see {@link withdraw}.
   * @throws WatchwordError `signing_unavailable`
   */
  rotate(request?: RotationRequest): Promise<void>;
  /**
   * Takes a key away at once, everywhere: it signs no more, and what it has signed is refused as soon as verifiers have fetched the
   * set again. For a key that got into wrong hands. If it was the one that signs, an older one that still may sign takes over, or else
   * a new one is made with the same write. A key that was withdrawn already stays so: asking again is no failure.
   * @returns false if there is no such key, nor was
   * @throws WatchwordError `signing_unavailable`
   */
  withdraw(kid: string): Promise<boolean>;
  /** All keys that are known, the newest first. */
  describe(): readonly KeyDescription[];
  /** The published keys with their lives, to hand them to other threads. */
  scheduled(): readonly ScheduledKey[];
  stats(): SigningKeySetStats;
  /** Tells when a key came, went, or got another end. @returns what ends the subscription */
  onChange(listener: () => void): () => void;
  /** Tells of each failure to read or write the store. @returns what ends the subscription */
  onFailure(listener: (error: WatchwordError) => void): () => void;
  /** Ends looking at the store, and closes it. */
  close(): Promise<void>;
}

/** Builds a set; nothing is read before `ready`. @throws WatchwordError `config_invalid` naming the option */
export function createSigningKeySet(options: SigningKeySetOptions): SigningKeySet {
  return new StoredSigningKeySet(readSigningKeySetOptions(options));
}
