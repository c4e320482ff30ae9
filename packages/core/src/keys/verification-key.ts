/** A public key or HMAC secret, typed and bound to exactly one algorithm from its creation on (invariant 6, A2, JB-2). */
import { type JsonWebKey, type KeyObject, X509Certificate, createHash, createPublicKey, createSecretKey } from 'node:crypto';
import { assertConfig } from '../errors.ts';
import { assertKnownOptions } from '../options.ts';
import { ALGORITHMS, type Algorithm, type AlgorithmName, canonicalName, sameAlgorithm } from './algorithms.ts';
import type { Jwk } from './jwk.ts';
import { assertStrongSecret } from './secret-strength.ts';

/** Key material as a user has it. The form is named by the member, never guessed from the content (A2). */
export type KeyMaterial = {
  /** The one algorithm that the key is for. */
  readonly alg: AlgorithmName;
  /** Key id; tokens name it in their header. At most 256 characters. */
  readonly kid?: string;
} & (
  | { /** Public JWK (RFC 7517). */ readonly jwk: Jwk }
  | { /** SubjectPublicKeyInfo (`PUBLIC KEY`) or X.509 (`CERTIFICATE`) in PEM. */ readonly pem: string }
  | { /** HMAC secret, as bytes: at least as long as the hash, and not guessable. */ readonly secret: Uint8Array }
);

/** A key that can do one thing: verify signatures of its algorithm. */
export class VerificationKey {
  /** The algorithm that the key is bound to. */
  readonly algorithm: Algorithm;
  readonly kid: string | undefined;
  /** Digest over material, algorithm and key id: equal ids mean the same key. Reveals nothing of a secret's content. */
  readonly id: string;
  /** Octets of all its signatures: what is longer or shorter is none. */
  readonly signatureBytes: number;
  readonly #keyObject: KeyObject;

  constructor(keyObject: KeyObject, algorithm: Algorithm, kid: string | undefined) {
    assertFits(keyObject, algorithm);
    assertKeyId(kid);
    this.algorithm = algorithm;
    this.kid = kid;
    this.id = fingerprint(keyObject, algorithm, kid);
    this.signatureBytes = algorithm.signatureBytes ?? modulusBytesOf(keyObject);
    this.#keyObject = keyObject;
    Object.freeze(this);
  }

  /** Only for the signature check. */
  static keyObjectOf(key: VerificationKey): KeyObject {
    return key.#keyObject;
  }
}

/**
 * Creates a typed key.
 * @throws WatchwordError `config_invalid` for material of another type, size or curve than the algorithm needs (A6, A14)
 */
export function createVerificationKey(material: KeyMaterial): VerificationKey {
  assertKnownOptions(material, ['alg', 'kid', 'jwk', 'pem', 'secret'], 'key');
  const algorithm = ALGORITHMS.get(material.alg);
  assertConfig(algorithm !== undefined, 'alg: not a supported algorithm');
  const forms = (['jwk', 'pem', 'secret'] as const).filter((form) => (material as Record<string, unknown>)[form] !== undefined);
  assertConfig(forms.length === 1, 'key: give exactly one of jwk, pem and secret');
  return new VerificationKey(importKey(material, algorithm), algorithm, material.kid);
}

/**
 * The public key as a JWK, to make the same key elsewhere: together with its algorithm and key id.
 * @throws WatchwordError `config_invalid` for an HMAC secret
 */
export function publicJwkOf(key: VerificationKey): Jwk {
  assertConfig(key.algorithm.kty !== 'oct', 'key: a secret has no public half');
  return VerificationKey.keyObjectOf(key).export({ format: 'jwk' }) as Jwk;
}

// RFC 8017 section 8.1.2: as many as the modulus has. Node takes a while to tell of it each time.
function modulusBytesOf(key: KeyObject): number {
  return Math.ceil(key.asymmetricKeyDetails!.modulusLength! / 8);
}

function importKey(material: KeyMaterial, algorithm: Algorithm): KeyObject {
  if ('secret' in material && material.secret !== undefined) return importSecret(material.secret, algorithm);
  assertConfig(algorithm.kty !== 'oct', `key: ${algorithm.name} takes a secret, as bytes`);
  return 'jwk' in material && material.jwk !== undefined
    ? importJwk(material.jwk, algorithm)
    : importPem((material as { pem: unknown }).pem, algorithm);
}

function importSecret(secret: unknown, algorithm: Algorithm): KeyObject {
  assertConfig(algorithm.kty === 'oct', `key: ${algorithm.name} takes a public key, not a secret`);
  assertConfig(secret instanceof Uint8Array, 'secret: must be bytes (a string has no one encoding)');
  assertStrongSecret(secret, algorithm.minimumKeyBits! / 8);
  return createSecretKey(secret);
}

function importJwk(jwk: Jwk, algorithm: Algorithm): KeyObject {
  assertConfig(typeof jwk === 'object' && !Array.isArray(jwk), 'jwk: must be an object');
  assertConfig(jwk.kty === algorithm.kty, `jwk.kty: ${algorithm.name} needs ${algorithm.kty}`);
  // What the key says of itself must agree (JO-9, JB-2).
  const { alg, use, key_ops: operations } = jwk;
  assertConfig(alg === undefined || sameAlgorithm(String(alg), algorithm.name), `jwk.alg: is not ${algorithm.name}`);
  assertConfig(use === undefined || use === 'sig', 'jwk.use: is not "sig"');
  if (operations !== undefined) assertKeyOperations(operations);
  // Private members mean that somebody handed out a signing key (JO-9).
  for (const member of ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k'])
    assertConfig(!(member in jwk), `jwk.${member}: not a public key`);
  return guarded('jwk', () => createPublicKey({ key: jwk as JsonWebKey, format: 'jwk' }));
}

function assertKeyOperations(operations: unknown): void {
  assertConfig(
    Array.isArray(operations) && new Set(operations).size === operations.length,
    'jwk.key_ops: must be an array without duplicates',
  );
  assertConfig(operations.includes('verify'), 'jwk.key_ops: does not include "verify"');
}

const PEM_FORMS = ['PUBLIC KEY', 'CERTIFICATE'];

function importPem(pem: unknown, algorithm: Algorithm): KeyObject {
  assertConfig(typeof pem === 'string', 'pem: must be a string');
  const text = pem.trim();
  const label = PEM_FORMS.find((form) => text.startsWith(`-----BEGIN ${form}-----`) && text.endsWith(`-----END ${form}-----`));
  assertConfig(label !== undefined, `pem: must be one PUBLIC KEY or CERTIFICATE block for ${algorithm.name}`);
  assertConfig(text.indexOf('-----BEGIN', 1) < 0, 'pem: must hold one block');
  return guarded('pem', () =>
    label === 'CERTIFICATE' ? new X509Certificate(text).publicKey : createPublicKey({ key: text, format: 'pem' }),
  );
}

// OpenSSL's messages may quote key material, so they are kept as the cause only.
function guarded(place: string, load: () => KeyObject): KeyObject {
  try {
    return load();
  } catch {
    assertConfig(false, `${place}: not a usable public key`);
  }
}

function assertFits(keyObject: KeyObject, algorithm: Algorithm): void {
  const { asymmetricKeyType, asymmetricKeyDetails: details } = keyObject;
  const type = keyObject.type === 'secret' ? 'secret' : asymmetricKeyType;
  assertConfig(keyObject.type !== 'private', 'key: a private key does not verify');
  assertConfig(type === algorithm.keyType, `key: ${algorithm.name} needs a key of type ${algorithm.keyType}`);
  assertConfig(
    algorithm.namedCurve === undefined || details?.namedCurve === algorithm.namedCurve,
    `key: ${algorithm.name} needs curve ${algorithm.namedCurve}`,
  );
  // The constructor is not exported, yet nothing makes a key with an empty secret (A5, JO-10).
  if (algorithm.kty === 'oct')
    assertConfig(keyObject.symmetricKeySize! * 8 >= algorithm.minimumKeyBits!, `key: ${algorithm.name} needs a longer secret`);
  if (algorithm.kty !== 'RSA') return;
  const bits = details?.modulusLength ?? 0;
  assertConfig(
    bits >= algorithm.minimumKeyBits!,
    `key: ${algorithm.name} needs RSA of at least ${algorithm.minimumKeyBits} bits`,
  );
  // Verification cost grows with the modulus; 16384 is what OpenSSL itself still verifies.
  assertConfig(bits <= 16384, `key: RSA of more than 16384 bits is refused`);
  assertConfig(
    (details?.publicExponent ?? 0n) >= 3n && details!.publicExponent! % 2n === 1n,
    'key: RSA exponent must be odd and at least 3',
  );
}

function assertKeyId(kid: unknown): void {
  const good = kid === undefined || (typeof kid === 'string' && kid !== '' && kid.length <= 256);
  assertConfig(good, 'kid: must be a string of 1 to 256 characters');
}

function fingerprint(keyObject: KeyObject, algorithm: Algorithm, kid: string | undefined): string {
  const material =
    keyObject.type === 'secret'
      ? createHash('sha256').update('watchword hmac secret').update(keyObject.export()).digest()
      : keyObject.export({ type: 'spki', format: 'der' });
  const hash = createHash('sha256')
    .update(canonicalName(algorithm.name))
    .update('\0')
    .update(kid ?? '')
    .update('\0')
    .update(material);
  return hash.digest('base64url');
}
