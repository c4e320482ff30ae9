/** A private key, bound to one algorithm and one key id: what mints tokens. */
import {
  type JsonWebKey,
  type KeyObject,
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPair,
  generateKeyPairSync,
} from 'node:crypto';
import { promisify } from 'node:util';
import { assertConfig } from '../errors.ts';
import { assertKnownOptions } from '../options.ts';
import { ALGORITHMS, type Algorithm, type AlgorithmName, sameAlgorithm } from './algorithms.ts';
import type { Jwk } from './jwk.ts';
import { VerificationKey } from './verification-key.ts';

/** The public half as it is published (RFC 7517). */
export interface PublicJwk extends Readonly<Record<string, unknown>> {
  readonly kty: string;
  readonly alg: string;
  readonly kid: string;
  readonly use: 'sig';
}

/** Private key material as a user has it. Secrets are missing on purpose: whoever can verify with one can also mint (JO-10). */
export type SigningMaterial = {
  readonly alg: Exclude<AlgorithmName, 'HS256' | 'HS384' | 'HS512'>;
  /** Key id; default: the first 8 characters of the RFC 7638 thumbprint, since it travels in every token. */
  readonly kid?: string;
} & ({ /** PKCS #8 in PEM. */ readonly pem: string } | { readonly jwk: Jwk });

/** A key that can do one thing: sign with its algorithm. */
export class SigningKey {
  readonly algorithm: Algorithm;
  readonly kid: string;
  /** The matching verification key. */
  readonly verificationKey: VerificationKey;
  readonly #privateKey: KeyObject;
  readonly #publicKey: KeyObject;

  constructor(privateKey: KeyObject, algorithm: Algorithm, kid?: string) {
    this.algorithm = algorithm;
    this.#privateKey = privateKey;
    this.#publicKey = createPublicKey(privateKey);
    this.kid = kid ?? thumbprint(this.#publicKey).slice(0, 8);
    this.verificationKey = new VerificationKey(this.#publicKey, algorithm, this.kid);
    Object.freeze(this);
  }

  /** The public half, ready to be published in a JWK Set. */
  publicJwk(): PublicJwk {
    const jwk = this.#publicKey.export({ format: 'jwk' });
    return { ...jwk, kty: jwk.kty!, alg: this.algorithm.name, kid: this.kid, use: 'sig' };
  }

  /** Only for the signature. */
  static keyObjectOf(key: SigningKey): KeyObject {
    return key.#privateKey;
  }
}

/** Imports a private key. @throws WatchwordError `config_invalid`; never with key material in it */
export function createSigningKey(material: SigningMaterial): SigningKey {
  assertKnownOptions(material, ['alg', 'kid', 'pem', 'jwk'], 'key');
  const algorithm = signingAlgorithm(material.alg);
  const says = 'jwk' in material ? material.jwk?.alg : undefined;
  assertConfig(says === undefined || sameAlgorithm(String(says), algorithm.name), `jwk.alg: is not ${algorithm.name}`);
  return new SigningKey(importPrivateKey(material), algorithm, material.kid);
}

/** Makes a new key pair. ES256 by default: small signatures, and cheap to make. @throws WatchwordError `config_invalid` */
export function generateSigningKey(alg: SigningMaterial['alg'] = 'ES256', kid?: string): SigningKey {
  const algorithm = signingAlgorithm(alg);
  return new SigningKey(generate(algorithm), algorithm, kid);
}

/** The same without stopping the event loop: an RSA key takes up to a second. Its `kid` is none of those that are taken. */
export async function makeSigningKey(alg: SigningMaterial['alg'], takenKids: ReadonlySet<string>): Promise<SigningKey> {
  const algorithm = signingAlgorithm(alg);
  for (;;) {
    const key = new SigningKey(await make(algorithm), algorithm);
    if (!takenKids.has(key.kid)) return key;
  }
}

/** A name of an algorithm that signs without a shared secret. @throws WatchwordError `config_invalid` */
export function assertSigningAlgorithm(alg: SigningMaterial['alg']): SigningMaterial['alg'] {
  signingAlgorithm(alg);
  return alg;
}

function signingAlgorithm(name: string): Algorithm {
  const algorithm = ALGORITHMS.get(name);
  assertConfig(algorithm !== undefined && algorithm.kty !== 'oct', 'alg: not a supported asymmetric algorithm');
  return algorithm;
}

function importPrivateKey(material: SigningMaterial): KeyObject {
  try {
    return 'pem' in material
      ? createPrivateKey({ key: material.pem, format: 'pem' })
      : createPrivateKey({ key: material.jwk as JsonWebKey, format: 'jwk' });
  } catch {
    // OpenSSL's message is dropped: it may quote the key.
    assertConfig(false, `${'pem' in material ? 'pem' : 'jwk'}: not a usable private key`);
  }
}

function generate(algorithm: Algorithm): KeyObject {
  if (algorithm.kty === 'EC') return generateKeyPairSync('ec', { namedCurve: algorithm.namedCurve! }).privateKey;
  return algorithm.kty === 'OKP'
    ? generateKeyPairSync('ed25519').privateKey
    : generateKeyPairSync('rsa', { modulusLength: algorithm.minimumKeyBits! }).privateKey;
}

const generateAside = promisify(generateKeyPair);

async function make(algorithm: Algorithm): Promise<KeyObject> {
  if (algorithm.kty !== 'RSA') return generate(algorithm);
  return (await generateAside('rsa', { modulusLength: algorithm.minimumKeyBits! })).privateKey;
}

/** RFC 7638: SHA-256 over the required members in lexicographic order. */
function thumbprint(publicKey: KeyObject): string {
  const jwk = publicKey.export({ format: 'jwk' });
  const required = jwk.kty === 'RSA' ? ['e', 'kty', 'n'] : jwk.kty === 'EC' ? ['crv', 'kty', 'x', 'y'] : ['crv', 'kty', 'x'];
  const canonical = JSON.stringify(Object.fromEntries(required.map((name) => [name, jwk[name]])));
  return createHash('sha256').update(canonical).digest('base64url');
}
