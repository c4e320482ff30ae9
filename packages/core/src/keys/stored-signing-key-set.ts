/** A set of signing keys kept in step with its store: what is due or asked for is done there first, and counts once it was read again. */
import { readClock } from '../clock.ts';
import { WatchwordError } from '../errors.ts';
import { Listeners } from '../listeners.ts';
import { type KeyView, type WithdrawnKey, mergeKeys } from './signing-key-merge.ts';
import { type KeyState, type RotationRequest, publishedKeys, stateOf } from './signing-key-plan.ts';
import { SigningKeyRecords } from './signing-key-records.ts';
import type { KeyDescription, SigningKeySet, SigningKeySetStats } from './signing-key-set.ts';
import type { SigningKeySetSettings } from './signing-key-settings.ts';
import { type Wish, wantedKeys } from './signing-key-wish.ts';
import { type SigningKey, makeSigningKey } from './signing-key.ts';
import { type ScheduledKey, SigningKeyTimeline, type UsableKey } from './signing-keys.ts';
import { Timer } from './timer.ts';
import { Turns } from './turns.ts';

/** Attempts to write before others who write all the time are called a failure. */
const MAX_ATTEMPTS = 10;

export class StoredSigningKeySet implements SigningKeySet {
  readonly #settings: SigningKeySetSettings;
  readonly #records: SigningKeyRecords;
  readonly #timeline = new SigningKeyTimeline();
  readonly #timer: Timer;
  readonly #changes = new Listeners<void>();
  readonly #failures = new Listeners<WatchwordError>();
  #withdrawn: readonly WithdrawnKey[] = [];
  // Whoever only wants to be up to date shares what is under way.
  readonly #turns: Turns = new Turns(() => this.#lookLater());
  #readAtMs = -Infinity;
  #isReachable = false;
  #isClosed = false;
  #counts = { rotations: 0, failures: 0, restored: 0 };

  constructor(settings: SigningKeySetSettings) {
    this.#settings = settings;
    this.#records = new SigningKeyRecords(settings);
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
    return this.#turns.share(() => this.#attempt(undefined));
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
    await this.#turns.current();
    await this.#settings.store.close();
  }

  #now(): number {
    return readClock(this.#settings.clock);
  }

  #grant(wish: Wish): Promise<void> {
    return this.#turns.take(() => this.#attempt(wish));
  }

  #lookLater(): void {
    if (!this.#isClosed) this.#timer.set(this.#settings.pollMs, () => void this.refresh().catch(() => {}));
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
  async #settle(asked: Wish | undefined): Promise<void> {
    const { algorithm, policy } = this.#settings;
    let wish = asked;
    for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt += 1) {
      const found = await this.#records.load();
      const { document } = found;
      const nowMs = this.#now();
      const merged = mergeKeys(document, { keys: this.#timeline.keys, withdrawn: this.#withdrawn }, nowMs);
      this.#adopt(merged);
      this.#readAtMs = nowMs;
      const wanted = wantedKeys(merged, nowMs, policy, wish);
      if (wanted === undefined) return;
      const made = wanted.added && {
        ...wanted.added,
        key: await makeSigningKey(algorithm, kidsOf(merged.keys, wanted.withdrawn)),
      };
      const keys = made === undefined ? wanted.keys : [...wanted.keys, made];
      const rotations = document.rotations + (made === undefined ? 0 : 1);
      if (!(await this.#records.replace(found, { rotations, keys, withdrawn: wanted.withdrawn }))) continue;
      this.#counts.restored += merged.restored;
      if (made !== undefined) this.#counts.rotations += 1;
      if (made !== undefined || wanted.isWithdrawal) wish = undefined;
    }
    throw new WatchwordError('signing_unavailable', 'Others changed the stored keys again and again');
  }

  #adopt({ keys, withdrawn }: KeyView): void {
    this.#withdrawn = withdrawn;
    const before = digestOf(this.#timeline.keys);
    this.#timeline.replace(keys);
    if (digestOf(keys) !== before) this.#changes.tell();
  }
}

function describe({ key, ...times }: ScheduledKey, state: KeyState): KeyDescription {
  return { kid: key.kid, alg: key.algorithm.name, state, ...times };
}

function kidsOf(keys: readonly ScheduledKey[], withdrawn: readonly WithdrawnKey[]): ReadonlySet<string> {
  return new Set([...keys.map(({ key }) => key.kid), ...withdrawn.map(({ kid }) => kid)]);
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
