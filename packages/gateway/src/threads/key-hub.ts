/** Hands the keys that the main thread has out to the threads, and tells them when one is not trusted any more. */
import {
  type AlgorithmName,
  type KeySource,
  type VerificationKey,
  WatchwordError,
  publicJwkOf,
  systemClock,
  toWatchwordError,
} from '@watchword/core';
import type { KeyQuestion, RelayedError, RelayedKey, ToThread } from './messages.ts';

/** How often the age limit of the keys in use is looked at. */
const TICK_MS = 1000;

/** The main thread's side of the relay. */
export class KeyHub {
  readonly #sources: readonly KeySource[];
  readonly #broadcast: (message: ToThread) => void;
  readonly #timer: NodeJS.Timeout;
  readonly #stops: readonly (() => void)[];
  /** What was handed out, by source, and to which questions. */
  readonly #given: readonly Map<string, { readonly question: KeyQuestion; readonly keyId: string; isUsed: boolean }>[];

  /** @param broadcast to all threads */
  constructor(sources: readonly KeySource[], broadcast: (message: ToThread) => void) {
    this.#sources = sources;
    this.#broadcast = broadcast;
    this.#given = sources.map(() => new Map());
    this.#stops = sources.map((keys, source) => keys.onRemoval?.((removed) => this.#drop(source, removed, true)) ?? (() => {}));
    this.#timer = setInterval(() => this.#tick(), TICK_MS);
  }

  /** Answers one thread, through `reply`, in the same turn in which the key was found trusted: no removal comes in between. */
  async answer(question: KeyQuestion, reply: (answer: RelayedKey | RelayedError) => void): Promise<void> {
    const keys = this.#sources[question.source]!;
    const { alg, kid } = question;
    try {
      if (keys.lookup(alg, kid, systemClock()) === undefined) await keys.load(alg, kid);
      const key = keys.lookup(alg, kid, systemClock());
      if (key === undefined) throw new WatchwordError('key_unknown');
      reply(this.#give(question, key));
    } catch (error) {
      const { code, message } = toWatchwordError(error);
      reply({ code, message });
    }
  }

  /** Notes what a thread uses. */
  used(questions: readonly KeyQuestion[]): void {
    for (const question of questions) {
      const given = this.#given[question.source]?.get(nameOf(question));
      if (given !== undefined) given.isUsed = true;
    }
  }

  close(): void {
    clearInterval(this.#timer);
    for (const stop of this.#stops) stop();
  }

  #give(question: KeyQuestion, key: VerificationKey): RelayedKey {
    this.#given[question.source]!.set(nameOf(question), { question, keyId: key.id, isUsed: true });
    return { id: key.id, alg: key.algorithm.name as AlgorithmName, kid: key.kid, jwk: publicJwkOf(key) };
  }

  #tick(): void {
    for (const [source, given] of this.#given.entries()) {
      const lapsed = [...given.values()].filter((one) => one.isUsed && !this.#isTrusted(one.question, one.keyId));
      for (const one of given.values()) one.isUsed = false;
      if (lapsed.length > 0) {
        this.#drop(
          source,
          lapsed.map(({ keyId }) => ({ id: keyId })),
          false,
        );
      }
    }
    this.#broadcast({ type: 'tick' });
  }

  #isTrusted({ source, alg, kid }: KeyQuestion, keyId: string): boolean {
    return this.#sources[source]!.lookup(alg, kid, systemClock())?.id === keyId;
  }

  #drop(source: number, keys: readonly { readonly id: string }[], withdrawn: boolean): void {
    const keyIds = keys.map(({ id }) => id);
    const given = this.#given[source]!;
    for (const [name, { keyId }] of given) if (keyIds.includes(keyId)) given.delete(name);
    this.#broadcast({ type: 'drop', source, keyIds, withdrawn });
  }
}

function nameOf({ alg, kid }: KeyQuestion): string {
  return kid === undefined ? alg : `${alg} ${kid}`;
}
