/** Signing keys that rotate by schedule, out of a store that several instances may share. Exactly one of them makes each key. */
import { readClock } from '../clock.ts';
import { WatchwordError } from '../errors.ts';
import { Listeners } from '../listeners.ts';
import { type SigningKeyDocument, decodeSigningKeys, encodeSigningKeys } from './signing-key-document.ts';
import { type KeyView, type WithdrawnKey, mergeKeys, requestAfter, withoutKey } from './signing-key-merge.ts';
import { type KeyState, type KeyTimes, type RotationRequest, planRotation, publishedKeys, stateOf } from './signing-key-plan.ts';
import { type SigningKeySetOptions, type SigningKeySetSettings, readSigningKeySetOptions } from './signing-key-settings.ts';
import type { StoredKeySet } from './signing-key-store.ts';
import { type SigningKey, makeSigningKey } from './signing-key.ts';
import { type ScheduledKey, type SigningKeys, SigningKeyTimeline, type UsableKey } from './signing-keys.ts';
import { Timer } from './timer.ts';

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

/** What somebody asked for; `none`: no change, not even one that is due. */
type Wish = RotationRequest | 'none' | { readonly withdraw: string };

/** Attempts to write before others who write all the time are called a failure. */
const MAX_ATTEMPTS = 10;
/** A write that takes longer is not done: its times would be old. */
const WRITE_WITHIN_MS = 5000;

class StoredSigningKeySet implements SigningKeySet {
  readonly #settings: SigningKeySetSettings;
  readonly #timeline = new SigningKeyTimeline();
  readonly #timer: Timer;
  readonly #changes = new Listeners<void>();
  readonly #failures = new Listeners<WatchwordError>();
  /** What the store held when it was last looked at. */
  #latest: { readonly version: string | undefined; readonly document: SigningKeyDocument } = {
    version: undefined,
    document: EMPTY,
  };
  #withdrawn: readonly WithdrawnKey[] = [];
  #flight: Promise<void> | undefined;
  #readAtMs = -Infinity;
  #isReachable = false;
  #isClosed = false;
  #counts = { rotations: 0, failures: 0, restored: 0 };

  constructor(settings: SigningKeySetSettings) {
    this.#settings = settings;
    this.#timer = new Timer(settings.schedule);
  }

  current(nowMs: number): UsableKey {
    return this.#timeline.current(nowMs);
  }

  published(nowMs: number): readonly SigningKey[] {
    return this.#timeline.published(nowMs);
  }

  isPublished(key: SigningKey, nowMs: number): boolean {
    return this.#timeline.isPublished(key, nowMs);
  }

  async ready(): Promise<void> {
    await this.refresh();
    this.current(this.#now());
  }

  refresh(): Promise<void> {
    return this.#flight ?? this.#fly(undefined);
  }

  look(): Promise<void> {
    return this.#grant('none');
  }

  rotate(request: RotationRequest = 'planned'): Promise<void> {
    return this.#grant(request);
  }

  async withdraw(kid: string): Promise<boolean> {
    await this.refresh();
    // Asked again, since the answer to the first time was lost: it is done.
    if (this.#withdrawn.some((gone) => gone.kid === kid)) return true;
    if (this.#timeline.keys.every(({ key }) => key.kid !== kid)) return false;
    await this.#grant({ withdraw: kid });
    return true;
  }

  describe(): readonly KeyDescription[] {
    const nowMs = this.#now();
    const { keys } = this.#timeline;
    return publishedKeys(keys, nowMs).map((one) => describe(one, stateOf(one, keys, nowMs)));
  }

  scheduled(): readonly ScheduledKey[] {
    return publishedKeys(this.#timeline.keys, this.#now());
  }

  stats(): SigningKeySetStats {
    return { ...this.#counts, isReachable: this.#isReachable, lagMs: this.#now() - this.#readAtMs };
  }

  onChange(listener: () => void): () => void {
    return this.#changes.add(listener);
  }

  onFailure(listener: (error: WatchwordError) => void): () => void {
    return this.#failures.add(listener);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#timer.cancel();
    await this.#flight?.catch(() => {});
    await this.#settings.store.close();
  }

  #now(): number {
    return readClock(this.#settings.clock);
  }

  async #grant(wish: Wish): Promise<void> {
    while (this.#flight !== undefined) await this.#flight.catch(() => {});
    await this.#fly(wish);
  }

  // It is over here, not at the end of the attempt, which may end before it returns: whoever waits for it would wait for ever.
  #fly(wish: Wish | undefined): Promise<void> {
    return (this.#flight = this.#attempt(wish).finally(() => {
      this.#flight = undefined;
      if (!this.#isClosed) this.#timer.set(this.#settings.pollMs, () => void this.refresh().catch(() => {}));
    }));
  }

  async #attempt(wish: Wish | undefined): Promise<void> {
    try {
      if (this.#isClosed) throw new WatchwordError('signing_unavailable', 'The key set is closed');
      await this.#settle(wish);
      this.#isReachable = true;
    } catch (cause) {
      this.#isReachable = false;
      this.#counts.failures += 1;
      const error = toUnavailable(cause);
      this.#failures.tell(error);
      throw error;
    }
  }

  // Reads, decides and writes, until there is nothing left to do: others may be faster, and what was written is read before it counts.
  async #settle(wanted: Wish | undefined): Promise<void> {
    let wish = wanted;
    for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt += 1) {
      const stored = await this.#load();
      const nowMs = this.#now();
      const { document } = this.#latest;
      const merged = mergeKeys(document, { keys: this.#timeline.keys, withdrawn: this.#withdrawn }, nowMs);
      this.#adopt(merged);
      this.#readAtMs = nowMs;
      if (wish === 'none') return;
      const left = typeof wish === 'object' ? withoutKey(merged, wish.withdraw, this.#settings.policy) : merged;
      const request = typeof wish === 'object' ? requestAfter(left, nowMs) : wish;
      const plan = planRotation(left.keys, nowMs, this.#settings.policy, request);
      if (!plan.isChange && !merged.isNews && left === merged) return;
      const made = plan.added && (await this.#make(plan.added, left));
      const keys = made === undefined ? plan.keys : [...plan.keys, made];
      const rotations = document.rotations + (made === undefined ? 0 : 1);
      if (!(await this.#write({ rotations, keys, withdrawn: left.withdrawn }, stored))) continue;
      this.#counts.restored += merged.restored;
      if (made !== undefined) this.#counts.rotations += 1;
      if (made !== undefined || left !== merged) wish = undefined;
    }
    throw new WatchwordError('signing_unavailable', 'Others changed the stored keys again and again');
  }

  async #load(): Promise<StoredKeySet> {
    const { store, policy, seal } = this.#settings;
    const beforeMs = this.#now();
    const stored = await store.load();
    // Times are compared with those that other instances wrote by their clocks: the store's clock is what they have in common.
    const differenceMs = Math.max(beforeMs - stored.nowMs, stored.nowMs - this.#now());
    if (differenceMs > policy.toleranceMs / 2) {
      throw new WatchwordError(
        'signing_unavailable',
        `The clock differs from the store's by ${Math.ceil(differenceMs / 1000)} s`,
      );
    }
    if (stored.version !== this.#latest.version || stored.content === undefined) {
      const document = stored.content === undefined ? EMPTY : decodeSigningKeys(stored.content, seal);
      this.#latest = { version: stored.version, document };
    }
    return stored;
  }

  async #make(life: KeyTimes, { keys, withdrawn }: KeyView): Promise<ScheduledKey> {
    const taken = new Set([...keys.map(({ key }) => key.kid), ...withdrawn.map(({ kid }) => kid)]);
    for (;;) {
      const key = await makeSigningKey(this.#settings.algorithm);
      if (!taken.has(key.kid)) return { ...life, key };
    }
  }

  #write(document: SigningKeyDocument, { version, nowMs }: StoredKeySet): Promise<boolean> {
    const { store, seal } = this.#settings;
    return store.replace(encodeSigningKeys(document, seal), version, nowMs + WRITE_WITHIN_MS);
  }

  #adopt({ keys, withdrawn }: KeyView): void {
    this.#withdrawn = withdrawn;
    const before = digestOf(this.#timeline.keys);
    this.#timeline.replace(keys);
    if (digestOf(keys) !== before) this.#changes.tell();
  }
}

const EMPTY: SigningKeyDocument = { rotations: 0, keys: [], withdrawn: [] };

function describe({ key, ...times }: ScheduledKey, state: KeyState): KeyDescription {
  return { kid: key.kid, alg: key.algorithm.name, state, ...times };
}

function digestOf(keys: readonly ScheduledKey[]): string {
  return keys
    .map(({ key, endsAtMs }) => `${key.verificationKey.id} ${endsAtMs}`)
    .toSorted()
    .join('\n');
}

function toUnavailable(cause: unknown): WatchwordError {
  if (cause instanceof WatchwordError && cause.code === 'signing_unavailable') return cause;
  return new WatchwordError('signing_unavailable', 'The signing keys could not be read or stored', { cause });
}
