/** The one place where signatures are made and checked, over node:crypto, strict where Node is lenient. */
import { channel } from 'node:diagnostics_channel';
import { type KeyObject, createHmac, sign, timingSafeEqual, verify } from 'node:crypto';
import type { Algorithm } from '../keys/algorithms.ts';
import { VerificationKey } from '../keys/verification-key.ts';
import { fromDer, toDer } from './ecdsa-der.ts';

/** `diagnostics_channel` with one message for each signature that is checked: what caching and offloading save. */
export const SIGNATURE_CHECK_CHANNEL = 'watchword:signature-check';

/** Message of {@link SIGNATURE_CHECK_CHANNEL}. */
export interface SignatureCheck {
  readonly alg: string;
}

const checks = channel(SIGNATURE_CHECK_CHANNEL);

/** Whether `signature` is what the holder of `key` makes over `input`. Never throws for a bad signature. */
export function verifySignature(input: string, signature: Uint8Array, key: VerificationKey): boolean {
  const check = prepareCheck(input, signature, key);
  return typeof check === 'boolean' ? check : verify(...check);
}

/**
 * The same in libuv's thread pool: dearer in all, but most of it is not this thread's. Never rejects for a bad signature. What needs
 * no public-key arithmetic (HMAC, a wrong length) is answered here: it costs less than the way to the pool.
 */
export async function verifySignatureLater(input: string, signature: Uint8Array, key: VerificationKey): Promise<boolean> {
  const check = prepareCheck(input, signature, key);
  if (typeof check === 'boolean') return check;
  return new Promise((resolve, reject) => {
    verify(...check, (error, isGood) => (error === null ? resolve(isGood) : reject(error)));
  });
}

/** Signs `input`. The key has been checked to fit the algorithm when it was made. */
export function createSignature(input: string, keyObject: KeyObject, algorithm: Algorithm): Buffer {
  const bytes = Buffer.from(input, 'latin1');
  if (algorithm.kty === 'oct') return hmac(bytes, keyObject, algorithm);
  if (algorithm.kty === 'EC') return fromDer(sign(algorithm.hash, bytes, keyObject), algorithm.signatureBytes!);
  return sign(algorithm.hash, bytes, withPadding(keyObject, algorithm));
}

// What is left of a check for Node to do.
type PreparedCheck = readonly [hash: Algorithm['hash'], input: Buffer, key: PaddedKey, signature: Uint8Array];

// Both forms go through here, so that they can't differ in what they ask of Node. A boolean: the answer, nothing is left to do.
function prepareCheck(input: string, signature: Uint8Array, key: VerificationKey): boolean | PreparedCheck {
  const { algorithm } = key;
  if (checks.hasSubscribers) checks.publish({ alg: algorithm.name } satisfies SignatureCheck);
  const keyObject = VerificationKey.keyObjectOf(key);
  // JO-13: another length is invalid whatever the platform thinks of it. OpenSSL takes a PSS signature without its leading zeros, which
  // RFC 8017 section 8.1.2 does not.
  if (signature.length !== key.signatureBytes) return false;
  const bytes = Buffer.from(input, 'latin1');
  if (algorithm.kty === 'oct') return timingSafeEqual(hmac(bytes, keyObject, algorithm), signature);
  if (algorithm.kty === 'EC') return [algorithm.hash, bytes, keyObject, toDer(signature)];
  return [algorithm.hash, bytes, withPadding(keyObject, algorithm), signature];
}

function hmac(bytes: Buffer, keyObject: KeyObject, algorithm: Algorithm): Buffer {
  return createHmac(algorithm.hash!, keyObject).update(bytes).digest();
}

type PaddedKey = KeyObject | { key: KeyObject; padding: number; saltLength?: number };

function withPadding(key: KeyObject, { padding, saltBytes }: Algorithm): PaddedKey {
  if (padding === undefined) return key;
  // JO-12: without saltLength Node accepts any salt.
  return saltBytes === undefined ? { key, padding } : { key, padding, saltLength: saltBytes };
}
