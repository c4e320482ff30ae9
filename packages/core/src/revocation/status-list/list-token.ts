/** Checks a Status List Token (Token Status List section 5.1). A stage of its own: it is no access token and has no audience. */
import { WatchwordError } from '../../errors.ts';
import { decodeBase64url } from '../../jws/base64url.ts';
import { type CompactJws, assertTokenSize, parseCompact } from '../../jws/compact.ts';
import { verifySignature } from '../../jws/signature.ts';
import { parseStrictObject } from '../../jws/strict-json.ts';
import { ALGORITHMS, sameAlgorithm } from '../../keys/algorithms.ts';
import type { KeySource } from '../../keys/key-source.ts';
import { VerificationKey } from '../../keys/verification-key.ts';
import { normalizeType } from '../../verify/token-type.ts';
import type { JoseHeader, JsonObject, JsonValue } from '../../verify/verified-token.ts';
import { type StatusSize, isStatusSize } from './status-bits.ts';

/** Whose lists, and within which bounds. */
export interface ListRules {
  readonly issuer: string;
  readonly keys: KeySource;
  readonly algorithms: ReadonlySet<string>;
  readonly maxBytes: number;
  readonly toleranceMs: number;
}

/** What a good Status List Token says. */
export interface ListToken {
  readonly header: JoseHeader;
  readonly key: VerificationKey;
  readonly issuedAtMs: number;
  /** Infinity without `exp`. */
  readonly expiresAtMs: number;
  readonly ttlMs: number | undefined;
  readonly size: StatusSize;
  readonly lst: string;
}

const MAX_DEPTH = 16;

/**
 * Verifies the token that was fetched from `uri` (SL-2, SL-6): header, signature, claims, in this order.
 * @throws WatchwordError the code of the first rule that is broken
 */
export async function verifyListToken(compact: string, uri: string, rules: ListRules, nowMs: number): Promise<ListToken> {
  assertTokenSize(compact, rules.maxBytes);
  const jws = parseCompact(compact);
  assertHeader(jws.header, rules);
  const key = await findKey(jws.header, rules, nowMs);
  if (!verifySignature(jws.signingInput, jws.signature, key)) throw new WatchwordError('signature_invalid');
  return { header: jws.header, key, ...readClaims(parsePayload(jws), uri, rules, nowMs) };
}

function assertHeader({ alg, typ }: JoseHeader, { algorithms }: ListRules): void {
  const isAllowed = algorithms.has(alg) || [...algorithms].some((name) => sameAlgorithm(name, alg));
  if (!isAllowed || !ALGORITHMS.has(alg)) throw new WatchwordError('algorithm_not_allowed');
  // Nothing else that the issuer signs may pass for a list (B11).
  if (typ === undefined || normalizeType(typ) !== 'statuslist+jwt') throw new WatchwordError('type_not_allowed');
}

async function findKey({ alg, kid }: JoseHeader, { keys }: ListRules, nowMs: number): Promise<VerificationKey> {
  const key = keys.lookup(alg, kid, nowMs) ?? (await keys.load(alg, kid));
  if (!(key instanceof VerificationKey) || !sameAlgorithm(key.algorithm.name, alg)) throw new WatchwordError('key_unknown');
  if (key.kid !== undefined && kid !== undefined && key.kid !== kid) throw new WatchwordError('key_unknown');
  return key;
}

function parsePayload({ payloadSegment }: CompactJws): JsonObject {
  return parseStrictObject(decodeBase64url(payloadSegment), MAX_DEPTH);
}

type ListClaims = Omit<ListToken, 'header' | 'key'>;

function readClaims(claims: JsonObject, uri: string, rules: ListRules, nowMs: number): ListClaims {
  // One list must not pass for another: whoever answers at the address may hold many of them.
  if (claims.sub !== uri) throw new WatchwordError('claim_invalid', 'sub: is not the address of the list');
  if (claims.iss !== undefined && claims.iss !== rules.issuer) throw new WatchwordError('issuer_not_trusted');
  const issuedAtMs = readDate(claims.iat, 'iat');
  // Only a list that is newer replaces another one, so one from the future would stay.
  if (issuedAtMs > nowMs + rules.toleranceMs) throw new WatchwordError('token_not_yet_valid');
  const expiresAtMs = claims.exp === undefined ? Infinity : readDate(claims.exp, 'exp');
  if (!(nowMs < expiresAtMs)) throw new WatchwordError('token_expired');
  return { issuedAtMs, expiresAtMs, ttlMs: readTtl(claims.ttl), ...readList(claims.status_list) };
}

function readDate(value: JsonValue | undefined, name: string): number {
  // Beyond ECMAScript's largest date is no date (B3).
  if (typeof value !== 'number' || !(Math.abs(value) <= 8.64e12)) throw malformed(name);
  return value * 1000;
}

function readTtl(value: JsonValue | undefined): number | undefined {
  if (value === undefined) return undefined;
  if (typeof value !== 'number' || !(value > 0)) throw malformed('ttl');
  return value * 1000;
}

function readList(value: JsonValue | undefined): Pick<ListToken, 'size' | 'lst'> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw malformed('status_list');
  const { bits, lst } = value as JsonObject;
  if (!isStatusSize(bits)) throw malformed('status_list.bits');
  if (typeof lst !== 'string') throw malformed('status_list.lst');
  return { size: bits, lst };
}

function malformed(name: string): WatchwordError {
  return new WatchwordError('claim_invalid', `${name}: is missing or has a wrong type or value`);
}
