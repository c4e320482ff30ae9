/** The keys that a minter signs with: one that is given, or several that take turns. */
import { WatchwordError } from '../errors.ts';
import { type KeyTimes, currentKey, publishedKeys } from './signing-key-plan.ts';
import type { SigningKey } from './signing-key.ts';

/** The key to sign with, and how far its tokens may reach. */
export interface UsableKey {
  readonly key: SigningKey;
  /** Latest `exp` of a token that it signs, in Unix milliseconds: after that the key is not published any more. */
  readonly tokensUntilMs: number;
}

/** A source of signing keys. Synchronous: signing never waits for a store. */
export interface SigningKeys {
  /** The key to sign with now. @throws WatchwordError `signing_unavailable` */
  current(nowMs: number): UsableKey;
  /** Everything that verifiers are to know: also what will sign, and what has signed. */
  published(nowMs: number): readonly SigningKey[];
  /** Whether a token of this key may still be handed out. */
  isPublished(key: SigningKey, nowMs: number): boolean;
}

/** A key with its life. */
export interface ScheduledKey extends KeyTimes {
  readonly key: SigningKey;
}

/** One key without end, as a source. */
export function fixedSigningKeys(key: SigningKey): SigningKeys {
  const usable: UsableKey = { key, tokensUntilMs: Infinity };
  const all = [key];
  return { current: () => usable, published: () => all, isPublished: (asked) => asked === key };
}

/** Keys that take turns by the clock. What they are is somebody else's to decide. */
export class SigningKeyTimeline implements SigningKeys {
  #keys: readonly ScheduledKey[] = [];
  #byKeyId: ReadonlyMap<string, ScheduledKey> = new Map();

  /** Takes over a set. A key that was there before stays the same object. */
  replace(keys: readonly ScheduledKey[]): void {
    this.#keys = keys.map((one) => ({ ...one, key: this.#knownAs(one.key) }));
    this.#byKeyId = new Map(this.#keys.map((one) => [one.key.kid, one]));
  }

  get keys(): readonly ScheduledKey[] {
    return this.#keys;
  }

  current(nowMs: number): UsableKey {
    const key = currentKey(this.#keys, nowMs);
    if (key === undefined) throw new WatchwordError('signing_unavailable');
    return key;
  }

  published(nowMs: number): readonly SigningKey[] {
    return publishedKeys(this.#keys, nowMs).map(({ key }) => key);
  }

  isPublished(key: SigningKey, nowMs: number): boolean {
    const known = this.#byKeyId.get(key.kid);
    return known !== undefined && known.key === key && nowMs < known.goneAtMs;
  }

  #knownAs(key: SigningKey): SigningKey {
    const known = this.#byKeyId.get(key.kid)?.key;
    return known?.verificationKey.id === key.verificationKey.id ? known : key;
  }
}
