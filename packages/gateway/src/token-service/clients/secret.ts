/** Secrets of clients: only their digests are kept, and comparing takes the same time whatever was sent. */
import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { assertConfig, createVerificationKey } from '@watchword/core';

/** Compares a secret that was sent. */
export type SecretCheck = (secret: string) => boolean;

// Of the digests, so that what is in memory helps nobody who reads it without this key, and the comparison tells nothing of them.
const PEPPER = randomBytes(32);

/**
 * Reads the content of a secret file: the secret itself, or `sha256:` and its digest in hexadecimal.
 * @throws WatchwordError `config_invalid` for a secret that can be guessed (A15); never with the secret
 */
export function readSecret(content: string): SecretCheck {
  const text = content.replace(/\r?\n$/, '');
  const [, digest] = /^sha256:([0-9a-f]{64})$/.exec(text) ?? [];
  assertConfig(digest !== undefined || !text.startsWith('sha256:'), 'is not a SHA-256 digest in lower-case hexadecimal');
  // The same rules as for the secrets of HMAC: at least 256 bits, no words, no patterns.
  if (digest === undefined) createVerificationKey({ alg: 'HS256', secret: Buffer.from(text) });
  const expected = peppered(digest === undefined ? sha256(text) : Buffer.from(digest, 'hex'));
  return (secret) => timingSafeEqual(peppered(sha256(secret)), expected);
}

/** For clients that are not there: as much work as for those that are. */
export const NO_SECRET: SecretCheck = (secret) => timingSafeEqual(peppered(sha256(secret)), PEPPER) && false;

function sha256(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

function peppered(digest: Uint8Array): Buffer {
  return createHmac('sha256', PEPPER).update(digest).digest();
}
