/** Which claims travel: only the essential ones (TT-9, and the reason why a Txn-Token is small). */
import { assertConfig } from '../errors.ts';
import type { Claims, JsonObject, JsonValue } from '../verify/verified-token.ts';

/** Name of a claim in the Txn-Token to the name of the subject token's claim that it is taken from. */
export type ClaimsMapping = Readonly<Record<string, string>>;

/** Claims that the draft defines or that are set here: a mapping can't replace them (Txn-Tokens section 9.2). */
const RESERVED = new Set([
  'iat',
  'exp',
  'nbf',
  'aud',
  'iss',
  'txn',
  'sub',
  'scope',
  'req_wl',
  'req_wl_chain',
  'tctx',
  'rctx',
  'cnf',
  'txn_topic',
  'txn_end',
  'txn_iat',
  '__proto__',
]);

/** Checks a mapping. @throws WatchwordError `config_invalid` naming the claim */
export function assertMapping(mapping: ClaimsMapping): void {
  assertConfig(typeof mapping === 'object' && !Array.isArray(mapping), 'claims: must be an object');
  for (const [target, source] of Object.entries(mapping)) {
    assertConfig(!RESERVED.has(target), `claims.${target}: is set by the Txn-Token itself`);
    assertConfig(
      target !== '' && typeof source === 'string' && source !== '',
      `claims.${target}: must name a claim of the subject token`,
    );
  }
}

/** The mapped claims that the subject token has. */
export function mapClaims(mapping: ClaimsMapping, subject: Claims): JsonObject {
  const mapped: Record<string, JsonValue> = {};
  for (const [target, source] of Object.entries(mapping)) {
    const value = subject[source];
    if (value !== undefined) mapped[target] = value;
  }
  return mapped;
}
