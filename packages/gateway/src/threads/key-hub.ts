/** Hands the keys that the main thread has out to the threads, and tells them when one is not trusted any more. */
import {
  type AlgorithmName,
  type KeySource,
  type QuietTime,
  type VerificationKey,
  WatchwordError,
  publicJwkOf,
  systemClock,
  toWatchwordError,
} from '@watchword/core';
import type { KeyQuestion, RelayedError, RelayedKey, ToThread } from './messages.ts';

/** How long a thread may refuse unknown key ids without asking: in a flood it asks once in this time, and not for each of them. */
const QUIET_MS = 1000;
/** How often the age limit of the keys in use is looked at. */
const TICK_MS = 1000;

interface HubSource {
  readonly keys: KeySource;
  readonly stop: () => void;
  /** What was handed out, and to which questions. */
  readonly given: Map<string, { readonly question: KeyQuestion; readonly keyId: string; isUsed: boolean }>;
}

/** The main thread's side of the relay. */
export class KeyHub {
  readonly #broadcast: (message: ToThread) => void;
  readonly #timer: NodeJS.Timeout;
  /** By slot. */
  readonly #sources = new Map<number, HubSource>();
  #slots = 0;

  /** @param broadcast to all threads */
  constructor(broadcast: (message: ToThread) => void) {
    this.#broadcast = broadcast;
    this.#timer = setInterval(() => this.#tick(), TICK_MS);
  }

  /** What a source is called between threads. One that is new gets a name of its own: none is used twice. */
  slotOf(keys: KeySource): number {
    for (const [slot, source] of this.#sources) if (source.keys === keys) return slot;
    const slot = (this.#slots += 1);
    const stop = keys.onRemoval?.((removed) => this.#drop(slot, removed, true)) ?? (() => {});
    this.#sources.set(slot, { keys, stop, given: new Map() });
    return slot;
  }

  /** Forgets all other sources. What the threads have of them is dropped: nobody would tell them of a removal. */
  retain(sources: ReadonlySet<KeySource>): void {
    for (const [slot, { keys, stop, given }] of this.#sources) {
      if (sources.has(keys)) continue;
      stop();
      this.#drop(
        slot,
        [...given.values()].map(({ keyId }) => ({ id: keyId })),
        false,
      );
      this.#sources.delete(slot);
    }
  }

  /** Answers one thread, through `reply`, in the same turn in which the key was found trusted: no removal comes in between. */
  async answer(question: KeyQuestion, reply: (answer: RelayedKey | RelayedError) => void): Promise<void> {
    const { alg, kid } = question;
    try {
      const keys = this.#sources.get(question.source)?.keys;
      if (keys === undefined) throw new WatchwordError('keys_unavailable', 'The issuer is not in the configuration any more');
      if (keys.lookup(alg, kid, systemClock()) === undefined) await keys.load(alg, kid);
      const key = keys.lookup(alg, kid, systemClock());
      if (key === undefined) throw new WatchwordError('key_unknown');
      reply(this.#give(question, key));
    } catch (error) {
      const { code, message } = toWatchwordError(error);
      reply({ code, message, quiet: code === 'key_unknown' ? this.#quiet(question.source) : undefined });
    }
  }

  /** Notes what a thread uses. */
  used(questions: readonly KeyQuestion[]): void {
    for (const question of questions) {
      const given = this.#sources.get(question.source)?.given.get(nameOf(question));
      if (given !== undefined) given.isUsed = true;
    }
  }

  close(): void {
    clearInterval(this.#timer);
    for (const { stop } of this.#sources.values()) stop();
  }

  // Not for long: who was told does not hear when the keys are fetched meanwhile.
  #quiet(source: number): QuietTime | undefined {
    const quiet = this.#sources.get(source)?.keys.quiet?.();
    return quiet && { ...quiet, forMs: Math.min(quiet.forMs, QUIET_MS) };
  }

  #give(question: KeyQuestion, key: VerificationKey): RelayedKey {
    this.#sources.get(question.source)?.given.set(nameOf(question), { question, keyId: key.id, isUsed: true });
    return { id: key.id, alg: key.algorithm.name as AlgorithmName, kid: key.kid, jwk: publicJwkOf(key) };
  }

  #tick(): void {
    for (const [source, { given }] of this.#sources) {
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
    return this.#sources.get(source)?.keys.lookup(alg, kid, systemClock())?.id === keyId;
  }

  #drop(source: number, keys: readonly { readonly id: string }[], withdrawn: boolean): void {
    const keyIds = keys.map(({ id }) => id);
    const given = this.#sources.get(source)?.given ?? new Map<string, never>();
    for (const [name, { keyId }] of given) if (keyIds.includes(keyId)) given.delete(name);
    this.#broadcast({ type: 'drop', source, keyIds, withdrawn });
  }
}

function nameOf({ alg, kid }: KeyQuestion): string {
  return kid === undefined ? alg : `${alg} ${kid}`;
}
