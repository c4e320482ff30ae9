/** Encryption at rest: AES-256-GCM under keys of the operator's, so that whoever reads a store has no key, and whoever writes it can bring none. */
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { assertConfig } from '../errors.ts';

/** Encrypts and decrypts texts. */
export interface Seal {
  close(text: string): string;
  /** @throws Error for anything that was not sealed with one of the keys, for the same purpose */
  open(sealed: string): string;
}

const KEY_BYTES = 32;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/**
 * Builds a seal. The first key closes, all of them open: a new one is put in front, and the old one taken away once everything was
 * stored again.
 * @param purpose goes into the authentication: what was sealed for one purpose does not open for another
 * @throws WatchwordError `config_invalid` unless each key has 32 bytes
 */
export function createSeal(keys: readonly Uint8Array[], purpose: string): Seal {
  assertConfig(Array.isArray(keys) && keys.length > 0, 'encryptionKeys: must be a non-empty list');
  for (const [index, key] of keys.entries()) {
    const isGood = key instanceof Uint8Array && key.length === KEY_BYTES && new Set(key).size >= 8;
    assertConfig(isGood, `encryptionKeys[${index}]: must be 32 random bytes`);
  }
  const own = keys.map((key) => Buffer.from(key));
  const aad = Buffer.from(purpose);
  return {
    close(text) {
      // 96 random bits: fine for 2^32 texts under one key (SP 800-38D, 8.3), and here there are a few a day.
      const nonce = randomBytes(NONCE_BYTES);
      const cipher = createCipheriv('aes-256-gcm', own[0]!, nonce).setAAD(aad);
      const body = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()]);
      return Buffer.concat([nonce, body, cipher.getAuthTag()]).toString('base64url');
    },
    open(sealed) {
      const bytes = Buffer.from(sealed, 'base64url');
      for (const key of own) {
        const text = openWith(key, bytes, aad);
        if (text !== undefined) return text;
      }
      throw new Error('not sealed with a known key');
    },
  };
}

function openWith(key: Buffer, bytes: Buffer, aad: Buffer): string | undefined {
  if (bytes.length < NONCE_BYTES + TAG_BYTES) return undefined;
  const end = bytes.length - TAG_BYTES;
  try {
    const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, NONCE_BYTES), { authTagLength: TAG_BYTES });
    decipher.setAAD(aad).setAuthTag(bytes.subarray(end));
    return Buffer.concat([decipher.update(bytes.subarray(NONCE_BYTES, end)), decipher.final()]).toString('utf8');
  } catch {
    return undefined;
  }
}
