/** What a successful verification hands out. Nothing else can make one, and nobody can change one. */
import type { VerificationKey } from '../keys/verification-key.ts';
import { type ValidityWindow, isWithin, sureSeconds } from './validity.ts';

/** A JSON value in which every object and array is frozen. */
export type JsonValue = null | boolean | number | string | readonly JsonValue[] | JsonObject;
/** A frozen JSON object without a prototype. */
export interface JsonObject {
  readonly [name: string]: JsonValue | undefined;
}

/** The claims of a verified token (RFC 7519 section 4.1). Deeply frozen; registered claims have been checked. */
export interface Claims extends JsonObject {
  readonly iss?: string;
  readonly sub?: string;
  readonly aud?: string | readonly string[];
  readonly exp?: number;
  readonly nbf?: number;
  readonly iat?: number;
  readonly jti?: string;
  readonly scope?: string;
}

/** The protected header of a verified token (RFC 7515 section 4). Deeply frozen. */
export interface JoseHeader extends JsonObject {
  readonly alg: string;
  readonly typ?: string;
  readonly kid?: string;
}

/** The parts of a {@link VerifiedToken}. */
export interface VerifiedTokenParts {
  readonly header: JoseHeader;
  readonly claims: Claims;
  /** The key whose signature was checked. */
  readonly key: VerificationKey;
  /** The trusted issuer, or the trust domain for a Txn-Token, whose rules accepted the token. */
  readonly issuer: string;
  readonly window: ValidityWindow;
}

const MINT: unique symbol = Symbol('verified');

/** A token whose signature and claims were checked. A type of its own, so that nothing unverified can be propagated (invariant 8). */
export class VerifiedToken implements VerifiedTokenParts {
  // Whole seconds that surely lie in the window. Small integers, unlike the milliseconds, stand in the object itself: a cache of
  // 200,000 tokens saves two reads from cold memory on each hit.
  readonly #sureFrom: number;
  readonly #sureUntil: number;
  readonly header: JoseHeader;
  readonly claims: Claims;
  readonly key: VerificationKey;
  readonly issuer: string;
  readonly window: ValidityWindow;

  /** Only {@link createVerifiedToken} holds the symbol. */
  constructor(parts: VerifiedTokenParts, mint: typeof MINT) {
    if (mint !== MINT) throw new TypeError('A VerifiedToken comes from a verifier only');
    const { from, until } = sureSeconds(parts.window);
    this.#sureFrom = from;
    this.#sureUntil = until;
    this.header = parts.header;
    this.claims = parts.claims;
    this.key = parts.key;
    this.issuer = parts.issuer;
    // Whoever could move the window could make every cache that holds this token say yes for longer (D6).
    this.window = Object.freeze(parts.window);
    Object.freeze(this);
  }

  /** Whether `value` came out of a verifier: duck typing is not enough. */
  static is(value: unknown): value is VerifiedToken {
    return typeof value === 'object' && value !== null && #sureFrom in value;
  }

  /** Whether `nowMs` lies in the token's window. */
  isWithin(nowMs: number): boolean {
    const sure = nowMs >= this.#sureFrom * 1000 && nowMs < this.#sureUntil * 1000;
    return sure || isWithin(this.window, nowMs);
  }
}

/** For verifiers inside this package; not exported from it. */
export function createVerifiedToken(parts: VerifiedTokenParts): VerifiedToken {
  return new VerifiedToken(parts, MINT);
}
