/** Tells those who remember verdicts which keys have left a source. */
import type { VerificationKey } from './verification-key.ts';

/** Is told of keys that have just left the trusted ones. Must not throw. */
export type RemovalListener = (keys: readonly VerificationKey[]) => void;

/** The listeners of one source. */
export class Removals {
  readonly #listeners = new Set<{ readonly listener: RemovalListener }>();

  /** @returns what ends the subscription */
  subscribe(listener: RemovalListener): () => void {
    // An object of its own: one function that subscribes twice has two subscriptions.
    const subscription = { listener };
    this.#listeners.add(subscription);
    return () => this.#listeners.delete(subscription);
  }

  /** To be called once the keys are out of force. */
  announce(keys: readonly VerificationKey[]): void {
    if (keys.length === 0) return;
    for (const { listener } of this.#listeners) listener(keys);
  }
}
