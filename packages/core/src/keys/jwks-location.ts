/** The address of an issuer's JWK Set: configured, or discovered and remembered. */
import { type DiscoveryRules, discover } from './discovery.ts';

/** Where to fetch. */
export interface JwksLocation {
  /** @throws WatchwordError `keys_unavailable` */
  locate(nowMs: number): Promise<string>;
  /** The address did not lead to keys: it is asked for anew the next time. */
  doubt(): void;
}

/** An address that is discovered, or a fixed one. */
export function createJwksLocation(rules: DiscoveryRules & { readonly isDiscovered: boolean }): JwksLocation {
  return rules.isDiscovered ? new DiscoveredLocation(rules) : { locate: () => Promise.resolve(rules.url), doubt: () => {} };
}

/** Issuers move their keys once in years. */
const READ_AGAIN_MS = 3_600_000;

class DiscoveredLocation implements JwksLocation {
  readonly #rules: DiscoveryRules;
  #url: string | undefined;
  #readAgainAtMs = -Infinity;

  constructor(rules: DiscoveryRules) {
    this.#rules = rules;
  }

  async locate(nowMs: number): Promise<string> {
    if (this.#url !== undefined && nowMs < this.#readAgainAtMs) return this.#url;
    try {
      this.#url = await discover(this.#rules);
      this.#readAgainAtMs = nowMs + READ_AGAIN_MS;
    } catch (error) {
      // A broken document takes nothing away (C4).
      if (this.#url === undefined) throw error;
    }
    return this.#url;
  }

  doubt(): void {
    this.#readAgainAtMs = -Infinity;
  }
}
