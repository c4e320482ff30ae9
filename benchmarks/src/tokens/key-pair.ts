/** Key pairs for the benchmark, one for each algorithm. */
import { type JsonWebKey, type KeyObject, createSecretKey, generateKeyPairSync, randomBytes, randomUUID } from 'node:crypto';

/** The algorithms that are compared. All libraries call Ed25519 `EdDSA`, so the tokens do too. */
export const ALGORITHM_NAMES = ['RS256', 'ES256', 'EdDSA', 'PS256', 'HS256'] as const;

/** One of them. */
export type BenchmarkAlgorithm = (typeof ALGORITHM_NAMES)[number];

/** What a verifier is given: the public half in the forms that libraries ask for, or the secret. */
export interface VerificationMaterial {
  readonly kid: string;
  readonly jwk?: JsonWebKey;
  readonly pem?: string;
  /** In base64: it travels as JSON. */
  readonly secret?: string;
}

/** A key that signs, and what verifies. */
export interface KeyPair {
  readonly algorithm: BenchmarkAlgorithm;
  readonly signingKey: KeyObject;
  readonly material: VerificationMaterial;
}

/** Makes a key pair: RSA with 2048 bits, P-256, Ed25519, or a secret of 32 bytes. */
export function createKeyPair(algorithm: BenchmarkAlgorithm): KeyPair {
  const kid = randomUUID().slice(0, 8);
  if (algorithm === 'HS256') {
    const secret = randomBytes(32);
    return { algorithm, signingKey: createSecretKey(secret), material: { kid, secret: secret.toString('base64') } };
  }
  const { publicKey, privateKey } = generate(algorithm);
  const jwk = { ...publicKey.export({ format: 'jwk' }), kid, alg: algorithm, use: 'sig' };
  return {
    algorithm,
    signingKey: privateKey,
    material: { kid, jwk, pem: publicKey.export({ format: 'pem', type: 'spki' }) as string },
  };
}

function generate(algorithm: BenchmarkAlgorithm): { publicKey: KeyObject; privateKey: KeyObject } {
  if (algorithm === 'ES256') return generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return algorithm === 'EdDSA' ? generateKeyPairSync('ed25519') : generateKeyPairSync('rsa', { modulusLength: 2048 });
}
