/** Public keys of Txn-Tokens that a reload replaced: services must be able to verify what they signed. */
import { type Clock, systemClock } from '@watchword/core';
import { longestVoucherSeconds } from '../config/sections/vouchers.ts';
import type { Generation } from '../generation.ts';

/** What a service's clock may be off by, beyond the lifetime of a token. */
const TOLERANCE_MS = 30_000;

/** The keys that sign no more, until the last token that they signed has expired. */
export class RetiredKeys {
  readonly #clock: Clock;
  readonly #keys = new Map<string, { readonly key: object; readonly untilMs: number }>();

  constructor(clock: Clock = systemClock) {
    this.#clock = clock;
  }

  /** Notes what `next` no longer signs with. */
  retire(old: Generation, next: Generation): void {
    const current = new Set(next.minter?.jwks().keys.map((key) => JSON.stringify(key)));
    const { txnToken, tokenService } = old.config;
    const longestSeconds = Math.max(txnToken?.lifetimeSeconds ?? 0, longestVoucherSeconds(tokenService));
    const untilMs = this.#clock() + longestSeconds * 1000 + TOLERANCE_MS;
    for (const key of old.minter?.jwks().keys ?? []) {
      const text = JSON.stringify(key);
      if (!current.has(text)) this.#keys.set(text, { key, untilMs });
    }
  }

  /** The keys in force and these. */
  with(current: readonly object[]): { readonly keys: readonly object[] } {
    const known = new Set(current.map((key) => JSON.stringify(key)));
    const nowMs = this.#clock();
    for (const [text, { untilMs }] of this.#keys) if (untilMs <= nowMs || known.has(text)) this.#keys.delete(text);
    return { keys: [...current, ...[...this.#keys.values()].map(({ key }) => key)] };
  }
}
