/**
 * The keys of one issuer in a thread that serves. The main thread alone fetches, so that what an issuer is asked stays the same
 * however many threads there are (C2); here is what it has said is trusted.
 */
import { type KeySource, type VerificationKey, WatchwordError, createVerificationKey } from '@watchword/core';
import type { FromThread, KeyQuestion, RelayedError, RelayedKey, RelayedSource, ToThread } from './messages.ts';

/** How long the main thread may say nothing. Beyond it nobody knows which keys are still trusted, so none is. */
const SILENCE_MS = 15_000;
/** Longest wait for an answer: a fetch with discovery, and some. */
const ANSWER_MS = 15_000;

/** The relayed keys of all issuers in one thread. */
export class KeyRelay {
  readonly #send: (message: FromThread) => void;
  /** By slot. */
  readonly #sources = new Map<number, RelayedKeys>();
  readonly #waiting = new Map<number, (answer: RelayedKey | RelayedError) => void>();
  readonly #nowMs: () => number;
  #requests = 0;
  #heardAtMs: number;

  constructor(send: (message: FromThread) => void, nowMs: () => number = () => performance.now()) {
    this.#send = send;
    this.#nowMs = nowMs;
    this.#heardAtMs = nowMs();
  }

  /** The keys of one issuer: the same object for the same slot. */
  source(issuer: string, { slot, id }: RelayedSource): KeySource {
    const known = this.#sources.get(slot);
    if (known !== undefined) return known;
    const isHearing = (): boolean => this.#isHearing();
    const ask = (alg: string, kid: string | undefined) => this.#ask({ source: slot, alg, kid });
    const source = new RelayedKeys(issuer, id, ask, isHearing, this.#nowMs);
    this.#sources.set(slot, source);
    return source;
  }

  /** Forgets all other slots, and that their keys were trusted: nobody tells of their removal any more. */
  retain(slots: ReadonlySet<number>): void {
    for (const [slot, source] of this.#sources) {
      if (slots.has(slot)) continue;
      source.forget();
      this.#sources.delete(slot);
    }
  }

  /** Takes a message of the main thread. */
  take(message: ToThread): void {
    this.#heardAtMs = this.#nowMs();
    if (message.type === 'key') this.#waiting.get(message.request)?.(message.answer);
    else if (message.type === 'drop') this.#sources.get(message.source)?.drop(new Set(message.keyIds), message.withdrawn);
    else if (message.type === 'tick') this.#reportUses();
  }

  #isHearing(): boolean {
    return this.#nowMs() - this.#heardAtMs < SILENCE_MS;
  }

  async #ask(question: KeyQuestion): Promise<RelayedKey | RelayedError> {
    const request = (this.#requests += 1);
    const { promise, resolve } = Promise.withResolvers<RelayedKey | RelayedError>();
    const silence = { code: 'keys_unavailable', message: 'The main thread does not answer' } as const;
    const timer = setTimeout(resolve, ANSWER_MS, silence);
    this.#waiting.set(request, resolve);
    this.#send({ type: 'wanted', request, question });
    const answer = await promise;
    clearTimeout(timer);
    this.#waiting.delete(request);
    return answer;
  }

  // The main thread looks after the keys that are in use, and raises the alarm if one of them vanishes (C6).
  #reportUses(): void {
    const questions = [...this.#sources].flatMap(([slot, keys]) => keys.takeUses(slot));
    if (questions.length > 0) this.#send({ type: 'used', questions });
  }
}

type Ask = (alg: string, kid: string | undefined) => Promise<RelayedKey | RelayedError>;

interface KnownKey {
  readonly key: VerificationKey;
  readonly alg: string;
  readonly kid: string | undefined;
  isUsed: boolean;
}

class RelayedKeys implements KeySource {
  readonly issuer: string;
  readonly id: string;
  readonly #ask: Ask;
  readonly #isHearing: () => boolean;
  readonly #nowMs: () => number;
  #quiet: { readonly kids: readonly string[]; readonly untilMs: number } | undefined;
  // A Map: `kid` is untrusted input (C7). Only what the main thread knows gets in, so junk can't fill it.
  readonly #known = new Map<string, KnownKey>();
  readonly #listeners = new Set<{ readonly tell: (keys: readonly VerificationKey[]) => void }>();

  constructor(issuer: string, id: string, ask: Ask, isHearing: () => boolean, nowMs: () => number) {
    this.issuer = issuer;
    this.id = id;
    this.#ask = ask;
    this.#isHearing = isHearing;
    this.#nowMs = nowMs;
  }

  lookup(alg: string, kid: string | undefined): VerificationKey | undefined {
    const known = this.#known.get(nameOf(alg, kid));
    if (known === undefined || !this.#isHearing()) return undefined;
    known.isUsed = true;
    return known.key;
  }

  // What is asked and dropped at the same time stays dropped: the answer that was sent first comes first.
  async load(alg: string, kid: string | undefined): Promise<VerificationKey> {
    const askedAtMs = this.#nowMs();
    const relayed = await this.#ask(alg, kid);
    if ('code' in relayed) {
      const { code, message, quiet } = relayed;
      // From when it was asked, so that it ends here no later than there.
      this.#quiet = quiet && { kids: quiet.kids, untilMs: askedAtMs + quiet.forMs };
      throw new WatchwordError(code, message);
    }
    const known = this.#known.get(nameOf(alg, kid));
    if (known?.key.id === relayed.id) return known.key;
    const key = createVerificationKey({
      alg: relayed.alg,
      jwk: relayed.jwk,
      ...(relayed.kid === undefined ? {} : { kid: relayed.kid }),
    });
    this.#known.set(nameOf(alg, kid), { key, alg, kid, isUsed: true });
    return key;
  }

  // What the main thread would say now, where it has said enough: a flood must not keep it busy.
  refusal(_alg: string, kid: string | undefined): WatchwordError | undefined {
    if (kid === undefined || this.#quiet === undefined || !this.#isHearing()) return undefined;
    if (this.#nowMs() >= this.#quiet.untilMs || this.#quiet.kids.includes(kid)) return undefined;
    return new WatchwordError('key_unknown');
  }

  onRemoval(tell: (keys: readonly VerificationKey[]) => void): () => void {
    const subscription = { tell };
    this.#listeners.add(subscription);
    return () => this.#listeners.delete(subscription);
  }

  drop(keyIds: ReadonlySet<string>, withdrawn: boolean): void {
    const dropped = new Map<string, VerificationKey>();
    for (const [name, { key }] of this.#known) {
      if (!keyIds.has(key.id)) continue;
      this.#known.delete(name);
      dropped.set(key.id, key);
    }
    if (withdrawn && dropped.size > 0) for (const { tell } of this.#listeners) tell([...dropped.values()]);
  }

  forget(): void {
    this.#known.clear();
    this.#quiet = undefined;
  }

  takeUses(source: number): KeyQuestion[] {
    const used = [...this.#known.values()].filter(({ isUsed }) => isUsed);
    for (const known of used) known.isUsed = false;
    return used.map(({ alg, kid }) => ({ source, alg, kid }));
  }
}

// One text for each pair: an algorithm has no blank in its name, and no key id starts where there is none.
function nameOf(alg: string, kid: string | undefined): string {
  return kid === undefined ? alg : `${alg} ${kid}`;
}
