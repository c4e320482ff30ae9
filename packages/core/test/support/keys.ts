/** Keys whose signatures are made by node:crypto directly, so that the code under test never signs its own exam. */
import { type KeyObject, constants, createHmac, createPublicKey, generateKeyPairSync, randomBytes, sign } from 'node:crypto';
import { ALGORITHMS, type AlgorithmName } from '../../src/keys/algorithms.ts';
import type { KeyMaterial } from '../../src/keys/verification-key.ts';

/** Every supported algorithm, by name. */
export const ALGORITHM_NAMES = [...ALGORITHMS.keys()] as readonly AlgorithmName[];

/** One that signs with public-key algorithms. */
export const ASYMMETRIC = ALGORITHM_NAMES.filter((name) => !name.startsWith('HS'));

export interface TestKey {
  readonly alg: AlgorithmName;
  readonly kid: string;
  /** What a user would give to createVerificationKey. */
  readonly material: KeyMaterial;
  /** The key pair, or undefined for HMAC. */
  readonly privateKey: KeyObject | undefined;
  readonly publicKey: KeyObject | undefined;
  sign(input: string | Buffer): Buffer;
}

/** A new key. */
export function freshKey(alg: AlgorithmName, kid: string = `${alg}-key`): TestKey {
  return alg.startsWith('HS') ? secretKey(alg, kid, randomBytes(64)) : pairKey(alg, kid, generatePrivateKey(alg));
}

const pool = new Map<string, TestKey>();
const rsaPool = new Map<string, KeyObject>();

/** The same key each time for one algorithm and key id: making RSA keys takes long. */
export function testKey(alg: AlgorithmName, kid: string = `${alg}-key`): TestKey {
  const name = `${alg} ${kid}`;
  let key = pool.get(name);
  if (key === undefined)
    pool.set(name, (key = alg.startsWith('HS') ? freshKey(alg, kid) : pairKey(alg, kid, pooledPrivateKey(alg, kid))));
  return key;
}

/** An HMAC key with a given secret, whether or not the library would take it. */
export function secretKey(alg: AlgorithmName, kid: string, secret: Buffer): TestKey {
  const hash = ALGORITHMS.get(alg)!.hash!;
  return {
    alg,
    kid,
    material: { alg, kid, secret },
    privateKey: undefined,
    publicKey: undefined,
    sign: (input) => createHmac(hash, secret).update(input).digest(),
  };
}

/** A key pair bound to an algorithm, whether or not the two fit. */
export function pairKey(alg: AlgorithmName, kid: string, privateKey: KeyObject): TestKey {
  const publicKey = createPublicKey(privateKey);
  return {
    alg,
    kid,
    material: { alg, kid, jwk: publicKey.export({ format: 'jwk' }) },
    privateKey,
    publicKey,
    sign: (input) => sign(ALGORITHMS.get(alg)!.hash, Buffer.from(input), signOptions(alg, privateKey)),
  };
}

/** The public key as PEM text. */
export function publicPem(key: TestKey): string {
  return key.publicKey!.export({ type: 'spki', format: 'pem' }) as string;
}

function signOptions(alg: string, key: KeyObject): Parameters<typeof sign>[2] {
  if (alg.startsWith('PS')) return { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: Number(alg.slice(2)) / 8 };
  return alg.startsWith('ES') ? { key, dsaEncoding: 'ieee-p1363' } : key;
}

function pooledPrivateKey(alg: AlgorithmName, kid: string): KeyObject {
  if (!/^[RP]S/.test(alg)) return generatePrivateKey(alg);
  let key = rsaPool.get(kid);
  if (key === undefined) rsaPool.set(kid, (key = generatePrivateKey(alg)));
  return key;
}

function generatePrivateKey(alg: AlgorithmName): KeyObject {
  const { namedCurve } = ALGORITHMS.get(alg)!;
  if (namedCurve !== undefined) return generateKeyPairSync('ec', { namedCurve }).privateKey;
  return alg.startsWith('Ed')
    ? generateKeyPairSync('ed25519').privateKey
    : generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
}
