/** The published keys of one issuer, fetched from its JWK Set URL and kept through bad weather. */
import { type Clock, readClock, systemClock } from '../clock.ts';
import { WatchwordError, assertConfig } from '../errors.ts';
import { assertBetween, assertFunction, assertKnownOptions, assertPositive, assertText } from '../options.ts';
import { type Fetch, fetchJson } from './fetch-jwks.ts';
import { parseJwkSet } from './jwk-set.ts';
import { KeyRing } from './key-ring.ts';
import type { KeySource } from './key-source.ts';
import type { VerificationKey } from './verification-key.ts';

/** One issuer's JWK Set URL, and how patient to be with it. */
export interface RemoteKeysOptions {
  /** The one issuer that these keys belong to (JB-9). */
  readonly issuer: string;
  /** `https:` address of the JWK Set. From configuration only: nothing in a token leads to a fetch (C1, JB-11). */
  readonly url: string;
  /** The allow-list of the issuer: keys for other algorithms are passed over. */
  readonly algorithms: readonly string[];
  /** Time limit of one fetch, at most 600000. Default 5000. */
  readonly timeoutMs?: number;
  /** Size limit of the answer, decompressed. Default 524288. */
  readonly maxBytes?: number;
  /** Least time between two fetches, whatever the reason and the outcome. Default 15000, so at most 2 in 30 s (C2). */
  readonly cooldownMs?: number;
  /** Age at which a look-up starts a refresh in the background. Default 300000. */
  readonly refreshMs?: number;
  /** Age at which keys are no longer trusted when the issuer can't be reached. Default 3600000. */
  readonly maxAgeMs?: number;
  /** Accept `http:`. Only for loopback and tests. Default false. */
  readonly allowInsecure?: boolean;
  readonly fetch?: Fetch;
  readonly clock?: Clock;
}

/** A key source that fetches. */
export interface RemoteKeys extends KeySource {
  /** Resolves once keys are there; fetches if none are. @throws WatchwordError `keys_unavailable` */
  ready(): Promise<void>;
  /** Fetches now, cool-down or not; concurrent calls share one fetch. @throws WatchwordError `keys_unavailable` */
  refresh(): Promise<void>;
  /** Age of the keys in milliseconds; Infinity before the first fetch. */
  ageMs(): number;
}

/** Builds a remote key source. Fetches nothing before it is asked. @throws WatchwordError `config_invalid` */
export function createRemoteKeys(options: RemoteKeysOptions): RemoteKeys {
  return new FetchedKeys(options);
}

const EMPTY = new KeyRing([]);

class FetchedKeys implements RemoteKeys {
  readonly id: string;
  readonly issuer: string;
  readonly #settings: Required<Omit<RemoteKeysOptions, 'issuer' | 'allowInsecure'>>;
  #ring: KeyRing = EMPTY;
  #fetchedAtMs = -Infinity;
  #attemptedAtMs = -Infinity;
  #lastFailure: WatchwordError | undefined;
  #flight: Promise<void> | undefined;

  constructor(options: RemoteKeysOptions) {
    this.issuer = options.issuer;
    this.#settings = readOptions(options);
    this.id = `remote:${this.#settings.url}`;
  }

  lookup(alg: string, kid: string | undefined, nowMs: number): VerificationKey | undefined {
    const age = nowMs - this.#fetchedAtMs;
    if (!(age < this.#settings.maxAgeMs)) return undefined;
    // A negative age means that the clock stepped back: how old the keys are is unknown, so they are fetched anew.
    if (age < 0 || age >= this.#settings.refreshMs) this.#refreshInBackground();
    return this.#ring.find(alg, kid);
  }

  async load(alg: string, kid: string | undefined): Promise<VerificationKey> {
    await this.#fetchUnlessCooling();
    const nowMs = readClock(this.#settings.clock);
    const found = this.lookup(alg, kid, nowMs);
    if (found !== undefined) return found;
    // Without a fresh answer nobody knows whether the key exists: that is our outage, not the caller's fault (ER-4).
    if (this.#lastFailure !== undefined) throw this.#lastFailure;
    if (this.ageMs() >= this.#settings.maxAgeMs)
      throw new WatchwordError('keys_unavailable', `${this.#settings.url}: no fresh keys`);
    throw new WatchwordError('key_unknown');
  }

  async ready(): Promise<void> {
    if (this.ageMs() >= this.#settings.maxAgeMs) await this.refresh();
  }

  refresh(): Promise<void> {
    return (this.#flight ??= this.#fetch().finally(() => {
      this.#flight = undefined;
    }));
  }

  ageMs(): number {
    return readClock(this.#settings.clock) - this.#fetchedAtMs;
  }

  async #fetchUnlessCooling(): Promise<void> {
    if (this.#flight === undefined && this.#cooling()) return;
    // What went wrong is kept in #lastFailure; known keys go on working.
    await this.refresh().catch(() => {});
  }

  #refreshInBackground(): void {
    if (this.#flight !== undefined || this.#cooling()) return;
    this.refresh().catch(() => {});
  }

  // By its own clock: a verifier with another one (a simulated one, say) must not get around the cool-down (C2).
  #cooling(): boolean {
    const elapsedMs = this.#settings.clock() - this.#attemptedAtMs;
    return elapsedMs >= 0 && elapsedMs < this.#settings.cooldownMs;
  }

  async #fetch(): Promise<void> {
    const { fetch, url, algorithms, clock } = this.#settings;
    this.#attemptedAtMs = readClock(clock);
    try {
      const set = parsePublishedSet(await fetchJson(fetch, url, this.#settings), algorithms, url);
      // Only a complete, good answer replaces what is known (C4).
      this.#ring = set;
      this.#fetchedAtMs = this.#attemptedAtMs;
      this.#lastFailure = undefined;
    } catch (error) {
      this.#lastFailure = error instanceof WatchwordError ? error : new WatchwordError('keys_unavailable', url, { cause: error });
      throw this.#lastFailure;
    }
  }
}

function parsePublishedSet(document: unknown, algorithms: readonly string[], url: string): KeyRing {
  try {
    const { keys } = parseJwkSet(document, algorithms);
    // An issuer without keys issues nothing: that is a broken answer, and it must not wipe good keys (C4).
    assertConfig(keys.length > 0, 'jwks: has no usable key');
    return new KeyRing(keys);
  } catch (error) {
    // Their document is not our configuration: a bad one is an outage of theirs.
    throw new WatchwordError('keys_unavailable', `${url}: ${error instanceof Error ? error.message : 'unusable'}`, {
      cause: error,
    });
  }
}

const OPTIONS = [
  'issuer',
  'url',
  'algorithms',
  'timeoutMs',
  'maxBytes',
  'cooldownMs',
  'refreshMs',
  'maxAgeMs',
  'allowInsecure',
  'fetch',
  'clock',
];

function readOptions(options: RemoteKeysOptions): Required<Omit<RemoteKeysOptions, 'issuer' | 'allowInsecure'>> {
  assertKnownOptions(options, OPTIONS, 'remoteKeys');
  assertText(options.issuer, 'issuer');
  const url = URL.parse(options.url);
  assertConfig(url !== null, 'url: must be an absolute URL');
  assertConfig(
    url.protocol === 'https:' || (url.protocol === 'http:' && options.allowInsecure === true),
    'url: must be https (allowInsecure permits http)',
  );
  assertConfig(url.username === '' && url.password === '', 'url: must not contain credentials');
  assertConfig(Array.isArray(options.algorithms) && options.algorithms.length > 0, 'algorithms: must be a non-empty list');
  const refreshMs = options.refreshMs ?? 300_000;
  return {
    url: options.url,
    algorithms: options.algorithms,
    // AbortSignal.timeout takes whole numbers only.
    timeoutMs: Math.ceil(assertBetween(options.timeoutMs ?? 5_000, 1, 600_000, 'timeoutMs')),
    maxBytes: assertPositive(options.maxBytes ?? 524_288, 'maxBytes'),
    cooldownMs: assertPositive(options.cooldownMs ?? 15_000, 'cooldownMs'),
    refreshMs: assertPositive(refreshMs, 'refreshMs'),
    maxAgeMs: assertPositive(options.maxAgeMs ?? Math.max(3_600_000, refreshMs), 'maxAgeMs'),
    fetch: assertFunction(options.fetch ?? ((target, init) => globalThis.fetch(target, init)), 'fetch'),
    clock: assertFunction(options.clock ?? systemClock, 'clock'),
  };
}
