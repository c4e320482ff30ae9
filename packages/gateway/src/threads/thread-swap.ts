/** Reloads in a thread that serves: the main thread says when to build and when to swap, so that all threads do it or none. */
import { ALGORITHMS, type KeySource, SigningKey, type SigningKeys } from '@watchword/core';
import type { Candidate, Composition } from '../compose.ts';
import { NOWHERE, rememberLocator } from '../config/locate.ts';
import type { KeyRelay } from './key-relay.ts';
import type { FromThread, ThreadConfig, ToThread } from './messages.ts';
import type { SigningKeyRelay } from './signing-keys.ts';

/** What a thread hears of keys: those of issuers, and those that sign Txn-Tokens. */
export interface Relays {
  readonly keys: KeyRelay;
  readonly signing: SigningKeyRelay;
}

/** What of a thread's configuration is not in it. */
export interface ThreadParts {
  readonly sources: readonly KeySource[];
  readonly txnKey: SigningKey | SigningKeys | undefined;
}

/** Makes the parts of a configuration that came from the main thread. */
export function partsOf(
  { config, fileName, txnKey, signingKeys, sources }: ThreadConfig,
  { keys, signing }: Relays,
): ThreadParts {
  // Places in the file are the main thread's to report; what counts here is the directory.
  if (fileName !== undefined) rememberLocator(config, { ...NOWHERE, fileName });
  return {
    sources: config.issuers.map(({ issuer }, index) => keys.source(issuer, sources[index]!)),
    txnKey: signingKeys
      ? signing.source(signingKeys)
      : txnKey && new SigningKey(txnKey.keyObject, ALGORITHMS.get(config.txnToken!.algorithm)!, txnKey.kid),
  };
}

/** The reloads of one thread. */
export class ThreadSwap {
  readonly #gateway: Composition;
  readonly #relays: Relays;
  readonly #send: (message: FromThread) => void;
  readonly #candidates = new Map<number, Promise<Candidate>>();
  /** Slots that a configuration needs under which requests may run. */
  readonly #needed = new Set<readonly number[]>();
  #current: readonly number[];

  constructor(gateway: Composition, relays: Relays, first: ThreadConfig, send: (message: FromThread) => void) {
    this.#gateway = gateway;
    this.#relays = relays;
    this.#send = send;
    this.#current = first.sources.map(({ slot }) => slot);
    this.#needed.add(this.#current);
  }

  take(message: ToThread): void {
    if (message.type === 'prepare') void this.#prepare(message.reload, message.next);
    else if (message.type === 'abort') void this.#abort(message.reload);
    // One thread with another policy than the others must not go on: it begins anew, with the new configuration.
    else if (message.type === 'commit') this.#commit(message.reload).catch(() => process.exit(1));
  }

  async #prepare(reload: number, next: ThreadConfig): Promise<void> {
    const slots = next.sources.map(({ slot }) => slot);
    this.#needed.add(slots);
    const candidate = this.#build(next, slots);
    this.#candidates.set(reload, candidate);
    const failed = await candidate.then(
      () => undefined,
      (error: unknown) => (error instanceof Error ? error.name : 'unknown'),
    );
    this.#send({ type: 'prepared', reload, failed });
  }

  async #build(next: ThreadConfig, slots: readonly number[]): Promise<Candidate> {
    try {
      const candidate = await this.#gateway.prepare(next.config, partsOf(next, this.#relays));
      return {
        generation: candidate.generation,
        commit: () => {
          const old = this.#current;
          this.#current = slots;
          return candidate.commit().then(() => this.#forget(old));
        },
        abort: () => candidate.abort().then(() => this.#forget(slots)),
      };
    } catch (error) {
      this.#forget(slots);
      throw error;
    }
  }

  async #commit(reload: number): Promise<void> {
    const candidate = await this.#candidates.get(reload)!;
    this.#candidates.delete(reload);
    void candidate.commit();
  }

  async #abort(reload: number): Promise<void> {
    const candidate = this.#candidates.get(reload);
    this.#candidates.delete(reload);
    await candidate?.then(
      ({ abort }) => abort(),
      () => {},
    );
  }

  #forget(slots: readonly number[]): void {
    this.#needed.delete(slots);
    this.#relays.keys.retain(new Set([...this.#needed].flat()));
  }
}
