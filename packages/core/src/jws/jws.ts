/** JSON Web Signature (RFC 7515), bytes in and bytes out: the layer below JWT, which knows nothing of claims. */
import { WatchwordError, assertConfig } from '../errors.ts';
import { ALGORITHMS, sameAlgorithm } from '../keys/algorithms.ts';
import { SigningKey } from '../keys/signing-key.ts';
import { VerificationKey } from '../keys/verification-key.ts';
import { assertBetween } from '../options.ts';
import type { JoseHeader } from '../verify/verified-token.ts';
import { decodeBase64url, encodeBase64url } from './base64url.ts';
import { DEFAULT_MAX_TOKEN_BYTES, assertTokenSize, parseCompact } from './compact.ts';
import { createSignature, verifySignature } from './signature.ts';

/** A JWS whose signature was checked. */
export interface VerifiedJws {
  readonly header: JoseHeader;
  readonly payload: Uint8Array;
}

/**
 * Verifies a compact JWS with one key (RFC 7515 section 5.2).
 * @throws WatchwordError the code of the first rule that is broken
 */
export function verifyJws(token: string, key: VerificationKey, options: { readonly maxTokenBytes?: number } = {}): VerifiedJws {
  const { maxTokenBytes = DEFAULT_MAX_TOKEN_BYTES } = options;
  assertTokenSize(token, assertBetween(maxTokenBytes, 1, 65_536, 'maxTokenBytes'));
  assertConfig(key instanceof VerificationKey, 'key: make it with createVerificationKey');
  const jws = parseCompact(token);
  if (!ALGORITHMS.has(jws.header.alg)) throw new WatchwordError('algorithm_not_allowed');
  // The key says which algorithm; the header may only agree (A3, JB-2).
  if (!sameAlgorithm(jws.header.alg, key.algorithm.name)) throw new WatchwordError('algorithm_not_allowed');
  if (jws.header.kid !== undefined && key.kid !== undefined && jws.header.kid !== key.kid)
    throw new WatchwordError('key_unknown');
  const payload = decodeBase64url(jws.payloadSegment);
  if (!verifySignature(jws.signingInput, jws.signature, key)) throw new WatchwordError('signature_invalid');
  return { header: jws.header, payload };
}

/**
 * Signs bytes as a compact JWS. `alg` and `kid` of the header come from the key.
 * @throws WatchwordError `config_invalid` when `header` contradicts the key
 */
export function signJws(payload: Uint8Array, header: Readonly<Record<string, unknown>>, key: SigningKey): string {
  assertConfig(header.alg === undefined || header.alg === key.algorithm.name, 'header.alg: is given by the key');
  assertConfig(header.kid === undefined || header.kid === key.kid, 'header.kid: is given by the key');
  const full = { alg: key.algorithm.name, ...header, ...(key.kid === undefined ? {} : { kid: key.kid }) };
  const input = `${encodeBase64url(Buffer.from(JSON.stringify(full)))}.${encodeBase64url(payload)}`;
  return `${input}.${encodeBase64url(createSignature(input, SigningKey.keyObjectOf(key), key.algorithm))}`;
}
