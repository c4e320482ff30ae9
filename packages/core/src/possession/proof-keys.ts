/** The public keys inside DPoP proofs, with their thumbprints (RFC 7638). Those that have proven good are kept, since importing is dear. */
import { createHash } from 'node:crypto';
import { WatchwordError } from '../errors.ts';
import type { AlgorithmName } from '../keys/algorithms.ts';
import type { Jwk } from '../keys/jwk.ts';
import { type VerificationKey, createVerificationKey, publicJwkOf } from '../keys/verification-key.ts';
import type { JoseHeader } from '../verify/verified-token.ts';

/** A key and the name that tokens know it by. */
export interface ProofKey {
  readonly key: VerificationKey;
  /** Base64url of the SHA-256 of its required members (RFC 7638 section 3). */
  readonly thumbprint: string;
}

/** What proofs may be signed with: asymmetric, all of them (RFC 9449 section 4.3, check 5). */
export const PROOF_ALGORITHMS: readonly AlgorithmName[] = ['ES256', 'ES384', 'ES512', 'Ed25519', 'EdDSA', 'PS256', 'RS256'];

/** Clients come back: their keys are kept in the order of arrival, and the oldest goes first. */
const KEPT = 1000;

/** Reads keys out of headers. */
export class ProofKeys {
  readonly #kept = new Map<string, ProofKey>();

  /** The key in a proof's header. @throws WatchwordError `proof_invalid` for anything but a public key of an allowed algorithm */
  of(header: JoseHeader): ProofKey {
    return this.#kept.get(nameOf(header)) ?? importKey(header);
  }

  /** To be called once a signature of the key was good: keys of strangers push out nobody's. */
  remember(header: JoseHeader, key: ProofKey): void {
    const name = nameOf(header);
    if (this.#kept.has(name)) return;
    if (this.#kept.size >= KEPT) this.#kept.delete(this.#kept.keys().next().value!);
    this.#kept.set(name, key);
  }
}

function importKey({ alg, jwk }: JoseHeader): ProofKey {
  if (!PROOF_ALGORITHMS.includes(alg as AlgorithmName)) throw invalid('alg is not allowed');
  if (typeof jwk !== 'object' || jwk === null || Array.isArray(jwk)) throw invalid('jwk is missing');
  let key: VerificationKey;
  try {
    // Refuses private members, other types and curves, RSA below 2048 bits (RFC 9449 section 4.3, checks 5 and 7).
    key = createVerificationKey({ alg: alg as AlgorithmName, jwk: jwk as Jwk });
  } catch (cause) {
    throw new WatchwordError('proof_invalid', 'DPoP proof: jwk is not a public key for alg', { cause });
  }
  return { key, thumbprint: thumbprintOf(publicJwkOf(key)) };
}

/** The RFC 7638 thumbprint of a public key. */
export function thumbprintOf({ kty, crv, x, y, e, n }: Jwk): string {
  // Required members only, in lexicographic order; JSON leaves out those that a type of key does not have.
  const canonical = JSON.stringify({ crv, e, kty, n, x, y });
  return createHash('sha256').update(canonical).digest('base64url');
}

// What the client wrote, not what it means: another spelling of the same key is imported anew, and comes to the same thumbprint.
function nameOf({ alg, jwk }: JoseHeader): string {
  return JSON.stringify([alg, jwk]);
}

function invalid(reason: string): WatchwordError {
  return new WatchwordError('proof_invalid', `DPoP proof: ${reason}`);
}
