/** Reads a JWK Set (RFC 7517 section 5) into typed keys, refusing what could be taken for something else. */
import { WatchwordError, assertConfig, toWatchwordError } from '../errors.ts';
import { ALGORITHMS, type AlgorithmName, canonicalName, sameAlgorithm } from './algorithms.ts';
import type { Jwk } from './jwk.ts';
import { type VerificationKey, createVerificationKey } from './verification-key.ts';

/** A member of a set that was passed over, and why: for logs and alarms. */
export interface IgnoredKey {
  readonly index: number;
  readonly reason: string;
}

/** Typed keys of a set. */
export interface JwkSet {
  readonly keys: readonly VerificationKey[];
  readonly ignored: readonly IgnoredKey[];
}

/** More keys than any issuer publishes; each one costs a parse. */
const MAX_KEYS = 100;

/**
 * Parses a set. One bad member does not break the set (JO-9): it is listed in `ignored`.
 * @param algorithms the issuer's allow-list; it decides the algorithm of a key that does not say it, if only one fits (JB-2)
 * @throws WatchwordError `config_invalid` if this is no set, or if two different keys share key id and algorithm (C8)
 */
export function parseJwkSet(value: unknown, algorithms: readonly string[]): JwkSet {
  const members = (value as { keys?: unknown } | null)?.keys;
  assertConfig(Array.isArray(members), 'jwks: must be an object with an array "keys"');
  assertConfig(members.length <= MAX_KEYS, `jwks: must have at most ${MAX_KEYS} keys`);
  const keys: VerificationKey[] = [];
  const ignored: IgnoredKey[] = [];
  for (const [index, member] of members.entries()) {
    try {
      keys.push(parseMember(member, algorithms));
    } catch (error) {
      ignored.push({ index, reason: toWatchwordError(error).message });
    }
  }
  assertDistinct(keys);
  return { keys, ignored };
}

function parseMember(member: unknown, algorithms: readonly string[]): VerificationKey {
  assertConfig(typeof member === 'object' && member !== null && !Array.isArray(member), 'must be an object');
  const jwk = member as Jwk;
  // A shared secret has no business in a public set (C8); whoever reads it could sign.
  assertConfig(jwk.kty !== 'oct', 'kty: a symmetric key in a key set is refused');
  assertConfig(jwk.kid === undefined || typeof jwk.kid === 'string', 'kid: must be a string');
  const alg = algorithmOf(jwk, algorithms);
  return createVerificationKey({ jwk, alg, ...(jwk.kid === undefined ? {} : { kid: jwk.kid }) });
}

function algorithmOf(jwk: Jwk, algorithms: readonly string[]): AlgorithmName {
  if (jwk.alg !== undefined) {
    assertConfig(typeof jwk.alg === 'string' && ALGORITHMS.has(jwk.alg), 'alg: not a supported algorithm');
    assertConfig(
      algorithms.some((allowed) => sameAlgorithm(allowed, jwk.alg as string)),
      'alg: not in the allow-list of the issuer',
    );
    return jwk.alg as AlgorithmName;
  }
  const fitting = algorithms.filter((name) => fits(jwk, name));
  const distinct = fitting.filter((name, index) => !fitting.slice(0, index).some((earlier) => sameAlgorithm(earlier, name)));
  if (distinct.length !== 1) {
    throw new WatchwordError('config_invalid', `alg: missing, and ${distinct.length} allowed algorithms fit the key`);
  }
  return distinct[0] as AlgorithmName;
}

const CURVES: Readonly<Record<string, string>> = { prime256v1: 'P-256', secp384r1: 'P-384', secp521r1: 'P-521' };

function fits(jwk: Jwk, name: string): boolean {
  const algorithm = ALGORITHMS.get(name);
  if (algorithm === undefined || algorithm.kty !== jwk.kty) return false;
  if (algorithm.kty === 'EC') return jwk.crv === CURVES[algorithm.namedCurve!];
  return algorithm.kty === 'RSA' || jwk.crv === 'Ed25519';
}

function assertDistinct(keys: readonly VerificationKey[]): void {
  const seen = new Map<string, string>();
  for (const key of keys) {
    const name = `${canonicalName(key.algorithm.name)}\0${key.kid ?? ''}`;
    const known = seen.get(name);
    assertConfig(
      known === undefined || known === key.id || key.kid === undefined,
      'jwks: two different keys share one kid and alg',
    );
    seen.set(name, key.id);
  }
}
