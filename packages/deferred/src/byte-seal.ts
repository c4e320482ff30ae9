/**
 * Encryption at rest of many messages: AES-256-GCM, each under a key of its own (HMAC-SHA-256 of a random salt, SP 800-108), so
 * that the number of messages under one of the operator's keys has no limit that anybody reaches (SP 800-38D, section 8.3).
 */
import { createCipheriv, createDecipheriv, createHmac, randomFillSync } from 'node:crypto';
import { assertConfig } from '@watchword/core';

/** Encrypts and decrypts bytes. */
export interface ByteSeal {
  /** @param context what it belongs to: elsewhere it does not open */
  close(bytes: Uint8Array, context: Uint8Array): Uint8Array;
  /** Undefined for anything that was not sealed with one of the keys, for the same purpose and context. */
  open(sealed: Uint8Array, context: Uint8Array): Buffer | undefined;
}

const KEY_BYTES = 32;
const SALT_BYTES = 16;
const TAG_BYTES = 16;
/** The first byte: another one would be another way of sealing. */
const VERSION = 1;
// Each key closes one message, so that no nonce comes twice.
const NONCE = Buffer.alloc(12);

/**
 * Builds a seal. The first key closes, all of them open: a new one is put in front, and the old one taken away once nothing is left
 * that it has closed.
 * @throws WatchwordError `config_invalid` unless each key has 32 random bytes
 */
export function createByteSeal(keys: readonly Uint8Array[], purpose: string): ByteSeal {
  const own = deriveKeys(keys, purpose);
  return {
    close(bytes, context) {
      const sealed = Buffer.allocUnsafe(1 + SALT_BYTES);
      sealed[0] = VERSION;
      randomFillSync(sealed, 1);
      const cipher = createCipheriv('aes-256-gcm', messageKey(own[0]!, sealed), NONCE).setAAD(context);
      return Buffer.concat([sealed, cipher.update(bytes), cipher.final(), cipher.getAuthTag()]);
    },
    open(sealed, context) {
      const bytes = Buffer.from(sealed.buffer, sealed.byteOffset, sealed.byteLength);
      if (bytes.length < 1 + SALT_BYTES + TAG_BYTES || bytes[0] !== VERSION) return undefined;
      for (const key of own) {
        const opened = openWith(key, bytes, context);
        if (opened !== undefined) return opened;
      }
      return undefined;
    },
  };
}

/** Keys of one purpose, from those of the operator. @throws WatchwordError `config_invalid` */
export function deriveKeys(keys: readonly Uint8Array[], purpose: string): readonly Buffer[] {
  assertConfig(Array.isArray(keys) && keys.length > 0, 'sealingKeys: must be a non-empty list');
  return keys.map((key, index) => {
    const isGood = key instanceof Uint8Array && key.length === KEY_BYTES && new Set(key).size >= 8;
    assertConfig(isGood, `sealingKeys[${index}]: must be 32 random bytes`);
    return createHmac('sha256', key).update(`watchword deferred ${purpose}`).digest();
  });
}

function messageKey(key: Buffer, head: Buffer): Buffer {
  return createHmac('sha256', key)
    .update(head.subarray(0, 1 + SALT_BYTES))
    .digest();
}

function openWith(key: Buffer, bytes: Buffer, context: Uint8Array): Buffer | undefined {
  const end = bytes.length - TAG_BYTES;
  try {
    const decipher = createDecipheriv('aes-256-gcm', messageKey(key, bytes), NONCE, { authTagLength: TAG_BYTES });
    decipher.setAAD(context).setAuthTag(bytes.subarray(end));
    return Buffer.concat([decipher.update(bytes.subarray(1 + SALT_BYTES, end)), decipher.final()]);
  } catch {
    return undefined;
  }
}
