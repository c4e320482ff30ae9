/** Remembers minted tokens for a short while, keyed by everything that goes into them. */
import type { SigningKey } from '../keys/signing-key.ts';
import type { SigningKeys } from '../keys/signing-keys.ts';
import type { VerifiedToken } from '../verify/verified-token.ts';
import type { MintedToken, TxnRequest } from './mint.ts';

interface Reusable {
  readonly compact: string;
  readonly untilMs: number;
  readonly fromMs: number;
  readonly key: SigningKey;
}

/** Contexts remembered for one subject token; more than these are different on each request and not worth keeping. */
const MAX_VARIANTS = 32;

/** The reuse window of one minter. What is the same for all its tokens (domain, mapping) needs no place in the key. */
export class ReuseWindow {
  readonly #lengthMs: number;
  // By the verified token itself: stronger than any digest of its claims, gone when the cache lets go of it.
  readonly #bySubject = new WeakMap<VerifiedToken, Map<string, Reusable>>();
  readonly #keys: Pick<SigningKeys, 'isPublished'>;
  #minted = 0;
  #reused = 0;

  /**
   * @param lengthMs how long a token is handed out again; 0: never
   * @param keys knows whether verifiers still have the key of a token
   */
  constructor(lengthMs: number, keys: Pick<SigningKeys, 'isPublished'>) {
    this.#lengthMs = lengthMs;
    this.#keys = keys;
  }

  /** The token that an equal request got a short while ago. */
  find(request: TxnRequest, nowMs: number): string | undefined {
    const known = this.#bySubject.get(request.subject)?.get(variantOf(request));
    // A clock that stepped back would stretch the window.
    if (known === undefined || nowMs >= known.untilMs || nowMs < known.fromMs) return undefined;
    if (!this.#keys.isPublished(known.key, nowMs)) return undefined;
    this.#reused += 1;
    return known.compact;
  }

  /** Counts a token that was just signed and, if the request permits, keeps it for the next one. */
  keep(request: TxnRequest, nowMs: number, { compact, expiresAtMs, key }: MintedToken): string {
    this.#minted += 1;
    if (this.#lengthMs === 0 || request.reuse === false) return compact;
    let variants = this.#bySubject.get(request.subject);
    if (variants === undefined) this.#bySubject.set(request.subject, (variants = new Map()));
    if (variants.size >= MAX_VARIANTS) variants.clear();
    // Not in its last second: it has a way to go.
    const untilMs = Math.min(nowMs + this.#lengthMs, expiresAtMs - 1000);
    variants.set(variantOf(request), { compact, fromMs: nowMs, untilMs, key });
    return compact;
  }

  stats(): { readonly minted: number; readonly reused: number } {
    return { minted: this.#minted, reused: this.#reused };
  }
}

function variantOf({ scopes, requestContext, transactionContext, requestingWorkload }: TxnRequest): string {
  if (requestContext === undefined && transactionContext === undefined && requestingWorkload === undefined) {
    return scopes === undefined ? '' : JSON.stringify(scopes);
  }
  return JSON.stringify([scopes, requestContext, transactionContext, requestingWorkload]);
}
