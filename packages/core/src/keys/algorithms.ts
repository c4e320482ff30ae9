/** The signature algorithms of RFC 7518 section 3.1, RFC 8037 and RFC 9864 that a token may use, as one table. */
import { constants } from 'node:crypto';

/** Facts about one algorithm. Everything that signs or verifies reads them from here. */
export interface Algorithm {
  readonly name: string;
  /** Key type that the algorithm is bound to (RFC 7518 section 6.1). */
  readonly kty: 'RSA' | 'EC' | 'OKP' | 'oct';
  /** Digest name for `node:crypto`; null where the algorithm has its own. */
  readonly hash: 'sha256' | 'sha384' | 'sha512' | null;
  /** `asymmetricKeyType` of the only fitting KeyObject. */
  readonly keyType: 'rsa' | 'ec' | 'ed25519' | 'secret';
  /** Node's name of the only fitting curve: the digest alone does not imply it (JO-13). */
  readonly namedCurve?: string;
  /** RFC 7518 sections 3.3 and 3.5: at least 2048 (JO-11); for HMAC at least the hash size (section 3.2, JO-10). */
  readonly minimumKeyBits?: number;
  /** Exact signature length in bytes where the algorithm fixes it (JO-13); RSA signatures are as long as the modulus. */
  readonly signatureBytes?: number;
  /** RFC 7518 section 3.5: the salt is as long as the hash (JO-12); Node would accept any length. */
  readonly saltBytes?: number;
  /**
   * RSA padding constant of `node:crypto`. Undefined: its documented default, PKCS #1 v1.5; saying so takes an object around the key,
   * which Node takes apart by throwing and catching, for 14 us of a 35 us verification.
   */
  readonly padding?: number;
}

/** Names of the supported algorithms. `none` is not one of them and cannot be configured (A1). */
export type AlgorithmName =
  | 'RS256'
  | 'RS384'
  | 'RS512'
  | 'PS256'
  | 'PS384'
  | 'PS512'
  | 'ES256'
  | 'ES384'
  | 'ES512'
  | 'Ed25519'
  | 'EdDSA'
  | 'HS256'
  | 'HS384'
  | 'HS512';

type HashBits = 256 | 384 | 512;

const hashName = (bits: HashBits): 'sha256' | 'sha384' | 'sha512' => `sha${bits}`;
const rs = (bits: HashBits): Algorithm => ({
  name: `RS${bits}`,
  kty: 'RSA',
  hash: hashName(bits),
  keyType: 'rsa',
  minimumKeyBits: 2048,
});
const ps = (bits: HashBits): Algorithm => ({
  name: `PS${bits}`,
  kty: 'RSA',
  hash: hashName(bits),
  keyType: 'rsa',
  minimumKeyBits: 2048,
  padding: constants.RSA_PKCS1_PSS_PADDING,
  saltBytes: bits / 8,
});
const es = (bits: HashBits, namedCurve: string, signatureBytes: number): Algorithm => ({
  name: `ES${bits}`,
  kty: 'EC',
  hash: hashName(bits),
  keyType: 'ec',
  namedCurve,
  signatureBytes,
});
// RFC 9864 deprecates the polymorphic name EdDSA; with this one curve both names mean the same (JO-14).
const ed = (name: string): Algorithm => ({ name, kty: 'OKP', hash: null, keyType: 'ed25519', signatureBytes: 64 });
const hs = (bits: HashBits): Algorithm => ({
  name: `HS${bits}`,
  kty: 'oct',
  hash: hashName(bits),
  keyType: 'secret',
  minimumKeyBits: bits,
  signatureBytes: bits / 8,
});

/** Algorithm name, case-sensitive (JB-1), to its facts. A Map: a hostile name finds nothing on a prototype (B10). */
export const ALGORITHMS: ReadonlyMap<string, Algorithm> = new Map(
  [
    rs(256),
    rs(384),
    rs(512),
    ps(256),
    ps(384),
    ps(512),
    es(256, 'prime256v1', 64),
    es(384, 'secp384r1', 96),
    es(512, 'secp521r1', 132),
    ed('Ed25519'),
    ed('EdDSA'),
    hs(256),
    hs(384),
    hs(512),
  ].map((algorithm) => [algorithm.name, Object.freeze(algorithm)]),
);

/** The name that stands for all names of an algorithm: `Ed25519` for `EdDSA`, which here means the same (JO-14). */
export function canonicalName(name: string): string {
  return name === 'EdDSA' ? 'Ed25519' : name;
}

/** Two names for one algorithm: a key bound to `Ed25519` also verifies tokens that say `EdDSA` (JO-14). */
export function sameAlgorithm(left: string, right: string): boolean {
  return left === right || canonicalName(left) === canonicalName(right);
}
