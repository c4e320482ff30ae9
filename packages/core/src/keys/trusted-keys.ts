/** The keys of one issuer that are trusted now: those of its latest set, and vanished ones in their retention window (C6). */
import { KeyRing } from './key-ring.ts';
import type { VerificationKey } from './verification-key.ts';

/** What a new set changed. */
export interface SetChange {
  /** Not trusted any more. */
  readonly removed: readonly VerificationKey[];
  /** Not in the set any more though in use: retained or removed. */
  readonly vanished: readonly VanishedKey[];
}

/** A key that is gone from the set. */
export interface VanishedKey {
  readonly key: VerificationKey;
  /** Another key has its key id and algorithm now. */
  readonly replaced: boolean;
  /** End of its retention; -Infinity: it has none. */
  readonly untilMs: number;
}

/** Times in milliseconds. */
export interface TrustedKeysOptions {
  readonly retentionMs: number;
  /** A key that was looked up within this time is in use. */
  readonly inUseMs: number;
}

/** Uses are noted to this part of `inUseMs`, since a look-up is on the path of every request. */
const USE_GRAIN = 0.1;
const EMPTY = new KeyRing([]);

/** The state behind the look-ups of one source. */
export class TrustedKeys {
  readonly #options: TrustedKeysOptions;
  #published = EMPTY;
  #retained: readonly VanishedKey[] = [];
  #retainedRing = EMPTY;
  /** When each key was last looked up, by `VerificationKey.id`. */
  readonly #uses = new Map<string, number>();

  constructor(options: TrustedKeysOptions) {
    this.#options = options;
  }

  /** Keys in the latest set. */
  get published(): number {
    return this.#published.keys.length;
  }

  /** Key ids of all of them. */
  get kids(): readonly string[] {
    return [...this.#published.keys, ...this.#retainedRing.keys].flatMap(({ kid }) => kid ?? []);
  }

  get retained(): number {
    return this.#retained.length;
  }

  /** When the next retention ends; Infinity: no key is retained. */
  get nextEndMs(): number {
    return Math.min(...this.#retained.map(({ untilMs }) => untilMs));
  }

  find(alg: string, kid: string | undefined, nowMs: number): VerificationKey | undefined {
    const key = this.#published.find(alg, kid) ?? this.#findRetained(alg, kid, nowMs);
    if (key !== undefined) this.#noteUse(key, nowMs);
    return key;
  }

  /** Takes over a new set. */
  replace(keys: readonly VerificationKey[], nowMs: number): SetChange {
    const next = new KeyRing(keys);
    const gone = this.#published.keysNotIn(next).map((key) => this.#describe(key, next, nowMs));
    const before = [...this.#published.keys, ...this.#retainedRing.keys];
    this.#published = next;
    this.#retain([...this.#retained, ...gone], nowMs);
    const vanished = gone.filter(({ key }) => nowMs - (this.#uses.get(key.id) ?? -Infinity) <= this.#options.inUseMs);
    const removed = this.#noLongerTrusted(before);
    for (const { id } of removed) this.#uses.delete(id);
    return { removed, vanished };
  }

  /** Ends the retentions that are over. @returns the keys that they were about */
  lapse(nowMs: number): readonly VerificationKey[] {
    const before = this.#retainedRing.keys;
    this.#retain(this.#retained, nowMs);
    return this.#noLongerTrusted(before);
  }

  // Which of several keys without a key id a token means is a guess: then only the latest set counts.
  #findRetained(alg: string, kid: string | undefined, nowMs: number): VerificationKey | undefined {
    if (kid === undefined || this.#retained.length === 0) return undefined;
    const key = this.#retainedRing.find(alg, kid);
    return this.#retained.some((one) => one.key === key && nowMs < one.untilMs) ? key : undefined;
  }

  #noteUse({ id }: VerificationKey, nowMs: number): void {
    const noted = this.#uses.get(id);
    if (noted === undefined || Math.abs(nowMs - noted) >= USE_GRAIN * this.#options.inUseMs) this.#uses.set(id, nowMs);
  }

  #describe(key: VerificationKey, next: KeyRing, nowMs: number): VanishedKey {
    const replaced = key.kid !== undefined && next.find(key.algorithm.name, key.kid) !== undefined;
    const { retentionMs } = this.#options;
    const isRetained = retentionMs > 0 && key.kid !== undefined && !replaced;
    return { key, replaced, untilMs: isRetained ? nowMs + retentionMs : -Infinity };
  }

  #retain(candidates: readonly VanishedKey[], nowMs: number): void {
    // One that has come back is not retained but published; one whose key id got another key is neither.
    const isFree = ({ algorithm, kid }: VerificationKey): boolean => this.#published.find(algorithm.name, kid) === undefined;
    this.#retained = candidates.filter(({ key, untilMs }) => nowMs < untilMs && isFree(key));
    this.#retainedRing = new KeyRing(this.#retained.map(({ key }) => key));
  }

  #noLongerTrusted(before: readonly VerificationKey[]): readonly VerificationKey[] {
    const trusted = new KeyRing([...this.#published.keys, ...this.#retainedRing.keys]);
    return new KeyRing(before).keysNotIn(trusted);
  }
}
