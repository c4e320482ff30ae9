/** Signing keys on their way from the main thread, which alone looks after them, to the threads that serve. */
import type { KeyObject } from 'node:crypto';
import {
  ALGORITHMS,
  type KeyTimes,
  type ScheduledKey,
  SigningKey,
  type SigningKeySet,
  SigningKeyTimeline,
} from '@watchword/core';
import type { ToThread } from './messages.ts';

/** A signing key with its life. Passed on as an object: its bytes stay where they are. */
export interface RelayedSigningKey extends KeyTimes {
  readonly keyObject: KeyObject;
  readonly kid: string;
  readonly alg: string;
}

/** A set of the main thread: how it is called between threads, and what is published now. */
export interface RelayedSigningKeys {
  readonly slot: number;
  readonly keys: readonly RelayedSigningKey[];
}

/** The main thread's side. */
export class SigningKeyHub {
  readonly #broadcast: (message: ToThread) => void;
  readonly #sets = new Map<SigningKeySet, { readonly slot: number; readonly stop: () => void }>();
  #slots = 0;

  /** @param broadcast to all threads */
  constructor(broadcast: (message: ToThread) => void) {
    this.#broadcast = broadcast;
  }

  /** What a thread is to start with; from now on all threads are told of each change. */
  follow(set: SigningKeySet): RelayedSigningKeys {
    let known = this.#sets.get(set);
    if (known === undefined) {
      const slot = (this.#slots += 1);
      const stop = set.onChange(() => this.#broadcast({ type: 'signing-keys', slot, keys: set.scheduled().map(relay) }));
      this.#sets.set(set, (known = { slot, stop }));
    }
    return { slot: known.slot, keys: set.scheduled().map(relay) };
  }

  /** Forgets all other sets, and has them forgotten. */
  retain(sets: ReadonlySet<SigningKeySet>): void {
    for (const [set, { slot, stop }] of this.#sets) {
      if (sets.has(set)) continue;
      stop();
      this.#sets.delete(set);
      this.#broadcast({ type: 'signing-keys', slot, keys: undefined });
    }
  }

  close(): void {
    for (const { stop } of this.#sets.values()) stop();
  }
}

/** A thread's side. One that hears nothing more is no danger: each key says when it ends. */
export class SigningKeyRelay {
  readonly #timelines = new Map<number, SigningKeyTimeline>();

  /** The keys of one set: the same object for the same slot. */
  source({ slot, keys }: RelayedSigningKeys): SigningKeyTimeline {
    const timeline = this.#timelines.get(slot) ?? new SigningKeyTimeline();
    timeline.replace(keys.map(receive));
    this.#timelines.set(slot, timeline);
    return timeline;
  }

  /** Takes a message of the main thread. */
  take(message: ToThread): void {
    if (message.type !== 'signing-keys') return;
    if (message.keys === undefined) this.#timelines.delete(message.slot);
    else this.#timelines.get(message.slot)?.replace(message.keys.map(receive));
  }
}

function relay({ key, ...times }: ScheduledKey): RelayedSigningKey {
  return { ...times, keyObject: SigningKey.keyObjectOf(key), kid: key.kid, alg: key.algorithm.name };
}

function receive({ keyObject, kid, alg, ...times }: RelayedSigningKey): ScheduledKey {
  return { ...times, key: new SigningKey(keyObject, ALGORITHMS.get(alg)!, kid) };
}
