/** Checks a claims set against the rules of its issuer. Pure: no clock, no I/O. */
import { WatchwordError } from '../errors.ts';
import type { Claims, JsonObject, JsonValue } from './verified-token.ts';
import type { IssuerRules } from './policy.ts';

/**
 * Checks types, issuer, audience and required claims; time is checked by the validity window.
 * @throws WatchwordError `claim_invalid`, `claim_missing`, `issuer_not_trusted`, `audience_mismatch`
 */
export function checkClaims(claims: JsonObject, rules: IssuerRules): asserts claims is Claims {
  for (const [name, isValid] of REGISTERED_CLAIMS) {
    const value = claims[name];
    if (value !== undefined && !isValid(value))
      throw new WatchwordError('claim_invalid', `Claim ${name} has a wrong type or value`);
  }
  checkIssuer(claims as Claims, rules);
  checkAudience(claims as Claims, rules);
  for (const name of rules.requiredClaims) {
    if (claims[name] === undefined) throw new WatchwordError('claim_missing', `Claim ${name} is missing`);
  }
}

/** ECMAScript's largest date, in seconds: what is beyond it is no date (B3). */
const MAX_SECONDS = 8.64e12;

const isText = (value: JsonValue): boolean => typeof value === 'string' && value !== '';
const isDate = (value: JsonValue): boolean => typeof value === 'number' && Math.abs(value) <= MAX_SECONDS;
const isAudience = (value: JsonValue): boolean =>
  isText(value) || (Array.isArray(value) && value.length > 0 && value.every(isText));
const isObject = (value: JsonValue): boolean => typeof value === 'object' && value !== null && !Array.isArray(value);

/** Claims whose type is registered (RFC 7519, 8693, 9068, Txn-Tokens section 9.2). A wrong one is refused wherever it stands. */
// A list: going through a map makes an array for each entry, each time.
const REGISTERED_CLAIMS: readonly (readonly [name: string, isValid: (value: JsonValue) => boolean])[] = [
  ['iss', isText],
  ['sub', isText],
  ['aud', isAudience],
  ['exp', isDate],
  ['nbf', isDate],
  ['iat', isDate],
  ['jti', isText],
  ['client_id', isText],
  // RFC 8693 section 4.2: a string, not a list; empty grants nothing.
  ['scope', (value: JsonValue): boolean => typeof value === 'string'],
  ['txn', isText],
  ['req_wl', isText],
  ['tctx', isObject],
  ['rctx', isObject],
  ['cnf', isObject],
];

function checkIssuer(claims: Claims, rules: IssuerRules): void {
  if (claims.iss === undefined && rules.issuerClaim === 'optional') return;
  if (claims.iss === undefined) throw new WatchwordError('claim_missing', 'Claim iss is missing');
  if (claims.iss !== rules.issuer) throw new WatchwordError('issuer_not_trusted');
}

function checkAudience(claims: Claims, rules: IssuerRules): void {
  const { aud } = claims;
  if (aud === undefined) throw new WatchwordError('claim_missing', 'Claim aud is missing');
  const accepted = typeof aud === 'string' ? rules.audiences.has(aud) : aud.some((audience) => rules.audiences.has(audience));
  if (!accepted) throw new WatchwordError('audience_mismatch');
}
