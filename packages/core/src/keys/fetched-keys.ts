/** When to fetch the keys of one issuer, and what a good or a bad answer changes. */
import { readClock } from '../clock.ts';
import { WatchwordError, assertConfig } from '../errors.ts';
import { fetchJson } from './fetch-jwks.ts';
import { parseJwkSet } from './jwk-set.ts';
import { type JwksLocation, createJwksLocation } from './jwks-location.ts';
import type { QuietTime } from './key-source.ts';
import { announceVanished } from './key-vanished.ts';
import { type RemovalListener, Removals } from './removals.ts';
import type { RemoteKeys, RemoteKeysStats } from './remote-keys.ts';
import type { RemoteSettings } from './remote-settings.ts';
import { Timer } from './timer.ts';
import { TrustedKeys, type VanishedKey } from './trusted-keys.ts';
import type { VerificationKey } from './verification-key.ts';

/** How much of the refresh interval chance may take away. */
const JITTER = 0.1;
/** Most that wait for a fetch because of a key id that is not among the known ones. */
const MAX_WAITING = 1024;

export class FetchedKeys implements RemoteKeys {
  readonly id: string;
  readonly issuer: string;
  readonly #settings: RemoteSettings;
  readonly #location: JwksLocation;
  readonly #keys: TrustedKeys;
  readonly #removals = new Removals();
  readonly #nextRefresh: Timer;
  readonly #nextLapse: Timer;
  #fetchedAtMs = -Infinity;
  #attemptedAtMs = -Infinity;
  #lastFailure: WatchwordError | undefined;
  #flight: Promise<void> | undefined;
  #waiting = 0;
  #isClosed = false;
  #counts = { fetches: 0, failures: 0, vanished: 0 };

  constructor(settings: RemoteSettings) {
    this.#settings = settings;
    this.issuer = settings.issuer;
    this.id = `remote:${settings.url}`;
    this.#location = createJwksLocation(settings);
    // A key that nobody looked up since the last refresh has been retired in good order.
    this.#keys = new TrustedKeys({ retentionMs: settings.retentionMs, inUseMs: settings.refreshMs });
    this.#nextRefresh = new Timer(settings.schedule);
    this.#nextLapse = new Timer(settings.schedule);
  }

  lookup(alg: string, kid: string | undefined, nowMs: number): VerificationKey | undefined {
    const age = nowMs - this.#fetchedAtMs;
    if (!(age < this.#settings.maxAgeMs)) return undefined;
    // The timer may be late, or not run by this clock. A negative age means that the clock stepped back: how old the keys are is
    // unknown, so they are fetched anew.
    if (age < 0 || age >= this.#settings.refreshMs) void this.#fetchUnlessCooling(false);
    return this.#keys.find(alg, kid, nowMs);
  }

  async load(alg: string, kid: string | undefined): Promise<VerificationKey> {
    const fetched = this.#fetchUnlessCooling(true);
    // In a flood of unknown key ids there is nothing to wait for, and nobody does.
    if (fetched !== undefined) await this.#waitFor(fetched);
    const found = this.lookup(alg, kid, readClock(this.#settings.clock));
    if (found === undefined) throw this.#whyUnknown();
    return found;
  }

  refusal(alg: string, kid: string | undefined): WatchwordError | undefined {
    if (this.#mayFetch(true)) return undefined;
    return this.lookup(alg, kid, readClock(this.#settings.clock)) === undefined ? this.#whyUnknown() : undefined;
  }

  quiet(): QuietTime | undefined {
    const isSure = !this.#isClosed && this.#lastFailure === undefined && this.ageMs() < this.#settings.maxAgeMs;
    if (!isSure || this.#mayFetch(true)) return undefined;
    return { kids: this.#keys.kids, forMs: this.#cooldownMs() - (this.#settings.clock() - this.#attemptedAtMs) };
  }

  // Without a fresh answer nobody knows whether the key exists: that is our outage, not the caller's fault (ER-4).
  #whyUnknown(): WatchwordError {
    if (this.#lastFailure !== undefined) return this.#lastFailure;
    if (this.ageMs() >= this.#settings.maxAgeMs)
      return new WatchwordError('keys_unavailable', `${this.#settings.url}: no fresh keys`);
    return new WatchwordError('key_unknown');
  }

  // A flood that waits for a slow issuer would take memory, and then all be answered in one turn, while everybody else waits. Before
  // the keys are known everybody waits: there may be nothing but good tokens.
  async #waitFor(fetched: Promise<void>): Promise<void> {
    if (this.#waiting >= MAX_WAITING && this.ageMs() < this.#settings.maxAgeMs)
      throw new WatchwordError('keys_unavailable', `${this.#settings.url}: too many wait for the keys`);
    this.#waiting += 1;
    await fetched;
    this.#waiting -= 1;
  }

  async ready(): Promise<void> {
    if (this.ageMs() >= this.#settings.maxAgeMs) await this.refresh();
  }

  refresh(): Promise<void> {
    if (this.#isClosed) return Promise.reject(new WatchwordError('keys_unavailable', `${this.#settings.url}: closed`));
    return (this.#flight ??= this.#attempt().finally(() => {
      this.#flight = undefined;
      this.#planRefresh();
    }));
  }

  ageMs(): number {
    return readClock(this.#settings.clock) - this.#fetchedAtMs;
  }

  onRemoval(listener: RemovalListener): () => void {
    return this.#removals.subscribe(listener);
  }

  stats(): RemoteKeysStats {
    const { published, retained } = this.#keys;
    return { ...this.#counts, lastFailure: this.#lastFailure?.message, ageMs: this.ageMs(), keys: published, retained };
  }

  close(): void {
    this.#isClosed = true;
    this.#nextRefresh.cancel();
  }

  /**
   * @param joins whether to wait for a fetch that is under way
   * @returns resolves when it has ended, whatever came of it; undefined: there is none
   */
  #fetchUnlessCooling(joins: boolean): Promise<void> | undefined {
    // What went wrong is kept in #lastFailure; known keys go on working.
    return this.#mayFetch(joins) ? this.refresh().catch(() => {}) : undefined;
  }

  #mayFetch(joins: boolean): boolean {
    return !this.#isClosed && (this.#flight === undefined ? !this.#isCooling() : joins);
  }

  // By its own clock: a verifier with another one (a simulated one, say) must not get around the cool-down (C2).
  #isCooling(): boolean {
    const elapsedMs = this.#settings.clock() - this.#attemptedAtMs;
    return elapsedMs >= 0 && elapsedMs < this.#cooldownMs();
  }

  #cooldownMs(): number {
    return this.#settings.cooldownMs * (this.#lastFailure === undefined ? 1 : 2);
  }

  // Each attempt sets the timer anew, so that it never comes sooner than the cool-down allows.
  #planRefresh(): void {
    if (this.#isClosed) return;
    const { refreshMs, random } = this.#settings;
    const cooldownMs = this.#cooldownMs();
    const delayMs =
      this.#lastFailure === undefined
        ? Math.max(cooldownMs, refreshMs * (1 - JITTER * random()))
        : cooldownMs * (1 + JITTER * random());
    this.#nextRefresh.set(delayMs, () => void this.refresh().catch(() => {}));
  }

  async #attempt(): Promise<void> {
    const startedAtMs = readClock(this.#settings.clock);
    this.#attemptedAtMs = startedAtMs;
    this.#counts.fetches += 1;
    const keys = await this.#download(startedAtMs).catch((error: unknown) => this.#fail(error));
    // Only a complete, good answer replaces what is known (C4).
    this.#lastFailure = undefined;
    this.#fetchedAtMs = startedAtMs;
    this.#take(keys, startedAtMs);
  }

  async #download(nowMs: number): Promise<readonly VerificationKey[]> {
    const { fetch, algorithms } = this.#settings;
    const url = await this.#location.locate(nowMs);
    return parsePublishedSet(await fetchJson(fetch, url, this.#settings), algorithms, url);
  }

  #fail(error: unknown): never {
    const { url } = this.#settings;
    this.#counts.failures += 1;
    this.#location.doubt();
    this.#lastFailure = error instanceof WatchwordError ? error : new WatchwordError('keys_unavailable', url, { cause: error });
    throw this.#lastFailure;
  }

  #take(keys: readonly VerificationKey[], nowMs: number): void {
    const { removed, vanished } = this.#keys.replace(keys, nowMs);
    for (const one of vanished) this.#alarm(one);
    this.#planLapse(nowMs);
    this.#removals.announce(removed);
  }

  #alarm({ key, replaced, untilMs }: VanishedKey): void {
    this.#counts.vanished += 1;
    announceVanished({
      issuer: this.issuer,
      kid: key.kid,
      alg: key.algorithm.name,
      replaced,
      ...(Number.isFinite(untilMs) ? { retainedUntilMs: untilMs } : {}),
    });
  }

  // A look-up sees by itself that a retention is over; the timer tells those who remember verdicts.
  #planLapse(nowMs: number): void {
    const { nextEndMs } = this.#keys;
    if (nextEndMs === Infinity) return this.#nextLapse.cancel();
    this.#nextLapse.set(nextEndMs - nowMs, () => {
      const laterMs = this.#settings.clock();
      this.#removals.announce(this.#keys.lapse(laterMs));
      this.#planLapse(laterMs);
    });
  }
}

function parsePublishedSet(document: unknown, algorithms: readonly string[], url: string): readonly VerificationKey[] {
  try {
    const { keys } = parseJwkSet(document, algorithms);
    // An issuer without keys issues nothing: that is a broken answer, and it must not wipe good keys (C4).
    assertConfig(keys.length > 0, 'jwks: has no usable key');
    return keys;
  } catch (error) {
    // Their document is not our configuration: a bad one is an outage of theirs.
    throw new WatchwordError('keys_unavailable', `${url}: ${error instanceof Error ? error.message : 'unusable'}`, {
      cause: error,
    });
  }
}
