/** The document of a key set in its store: read only while the clocks agree, written only where nobody else was faster. */
import { readClock } from '../clock.ts';
import { WatchwordError } from '../errors.ts';
import { type SigningKeyDocument, decodeSigningKeys, encodeSigningKeys } from './signing-key-document.ts';
import type { SigningKeySetSettings } from './signing-key-settings.ts';
import type { StoredKeySet } from './signing-key-store.ts';

/** What was found, and when by the store's clock. */
export interface FoundRecord extends StoredKeySet {
  readonly document: SigningKeyDocument;
}

/** A write that takes longer is not done: its times would be old. */
const WRITE_WITHIN_MS = 5000;
const EMPTY: SigningKeyDocument = { rotations: 0, keys: [], withdrawn: [] };

export class SigningKeyRecords {
  readonly #settings: SigningKeySetSettings;
  /** What the store held when it was last looked at. */
  #latest: { readonly version: string | undefined; readonly document: SigningKeyDocument } = {
    version: undefined,
    document: EMPTY,
  };

  constructor(settings: SigningKeySetSettings) {
    this.#settings = settings;
  }

  /** @throws WatchwordError `signing_unavailable` if the clocks differ; whatever tells that the store can't be read */
  async load(): Promise<FoundRecord> {
    const { store, clock, policy, seal } = this.#settings;
    const beforeMs = readClock(clock);
    const stored = await store.load();
    // Times are compared with those that other instances wrote by their clocks: the store's clock is what they have in common.
    const differenceMs = Math.max(beforeMs - stored.nowMs, stored.nowMs - readClock(clock));
    if (differenceMs > policy.toleranceMs / 2) {
      throw new WatchwordError(
        'signing_unavailable',
        `The clock differs from the store's by ${Math.ceil(differenceMs / 1000)} s`,
      );
    }
    const { version, content } = stored;
    if (version !== this.#latest.version || content === undefined) {
      this.#latest = { version, document: content === undefined ? EMPTY : decodeSigningKeys(content, seal) };
    }
    return { version, content, nowMs: stored.nowMs, document: this.#latest.document };
  }

  /** Puts a document in the place of the one that was found. @returns false if others were faster, or it took too long */
  replace({ version, nowMs }: FoundRecord, document: SigningKeyDocument): Promise<boolean> {
    const { store, seal } = this.#settings;
    return store.replace(encodeSigningKeys(document, seal), version, nowMs + WRITE_WITHIN_MS);
  }
}
