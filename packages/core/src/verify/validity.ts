/** From when until when a token holds: one pure function, used by the verifier and on every cache hit (D4). */
import { WatchwordError } from '../errors.ts';

/** Half-open interval of Unix milliseconds in which a token is valid: `notBeforeMs <= now < expiresAtMs`. */
export interface ValidityWindow {
  readonly notBeforeMs: number;
  readonly expiresAtMs: number;
  /** Which rule ends the window: `exp`, or the policy's maximum age. */
  readonly endsBy: 'token_expired' | 'token_too_old';
}

/** What of a policy moves the window. */
export interface ValidityRules {
  /** Clock skew allowed on both ends, in seconds. */
  readonly toleranceSeconds: number;
  /** Oldest accepted token, in seconds since `iat`; undefined: no limit. */
  readonly maxTokenAgeSeconds: number | undefined;
}

/**
 * The window of a token (RFC 7519 sections 4.1.4 and 4.1.5). Time claims have been checked to be finite numbers before.
 * `iat` alone refuses nothing (JO-8); with a maximum age it bounds the window on both sides, because a token from the future
 * would be younger than its age allows.
 */
export function validityWindow(
  claims: { readonly exp?: number; readonly nbf?: number; readonly iat?: number },
  rules: ValidityRules,
): ValidityWindow {
  const toleranceMs = rules.toleranceSeconds * 1000;
  const agedFrom = rules.maxTokenAgeSeconds === undefined ? undefined : claims.iat;
  const notBeforeMs = Math.max(claims.nbf ?? -Infinity, agedFrom ?? -Infinity) * 1000 - toleranceMs;
  const expiryMs = claims.exp === undefined ? Infinity : claims.exp * 1000 + toleranceMs;
  const oldestMs =
    rules.maxTokenAgeSeconds === undefined || agedFrom === undefined
      ? Infinity
      : (agedFrom + rules.maxTokenAgeSeconds) * 1000 + toleranceMs;
  return oldestMs < expiryMs
    ? { notBeforeMs, expiresAtMs: oldestMs, endsBy: 'token_too_old' }
    : { notBeforeMs, expiresAtMs: expiryMs, endsBy: 'token_expired' };
}

/** Whole seconds of which all, from `from` to before `until`, surely lie in the window. They fit 32 bits. */
export function sureSeconds(window: ValidityWindow): { readonly from: number; readonly until: number } {
  return { from: Math.ceil(clampSeconds(window.notBeforeMs)), until: Math.floor(clampSeconds(window.expiresAtMs)) };
}

function clampSeconds(milliseconds: number): number {
  return Math.min(Math.max(milliseconds / 1000, 0), 0x7fffffff);
}

/** Whether a moment lies in the window. False for NaN. */
export function isWithin(window: ValidityWindow, nowMs: number): boolean {
  return nowMs >= window.notBeforeMs && nowMs < window.expiresAtMs;
}

/**
 * Holds a moment against the window.
 * @throws WatchwordError `token_not_yet_valid`, `token_expired`, `token_too_old`
 */
export function assertWithin(window: ValidityWindow, nowMs: number): void {
  // Written so that NaN refuses: a comparison with NaN is false.
  if (!(nowMs >= window.notBeforeMs)) throw new WatchwordError('token_not_yet_valid');
  if (!(nowMs < window.expiresAtMs)) throw new WatchwordError(window.endsBy);
}
