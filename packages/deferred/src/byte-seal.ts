/**
 * Encryption at rest of many messages: AES-256-GCM under keys that are derived from the operator's with a random salt (HMAC-SHA-256,
 * SP 800-108), each for one series of messages, counted in their nonces (SP 800-38D, section 8.2.1). So no nonce comes twice under a
 * key, and the number of messages under one of the operator's keys has no limit that anybody reaches.
 */
import {
  type CipherGCM,
  type KeyObject,
  createCipheriv,
  createDecipheriv,
  createHmac,
  createSecretKey,
  randomBytes,
} from 'node:crypto';
import { assertConfig } from '@watchword/core';

/** Encrypts and decrypts bytes. */
export interface ByteSeal {
  /** @param context what it belongs to: elsewhere it does not open */
  close(bytes: Uint8Array, context: Uint8Array): Uint8Array;
  /** Undefined for anything that was not sealed with one of the keys, for the same purpose and context. */
  open(sealed: Uint8Array, context: Uint8Array): Buffer | undefined;
}

const KEY_BYTES = 32;
const TAG_BYTES = 16;
/** The first byte: another one would be another way of sealing. */
const VERSION = 2;
/** A sealed message begins with the version, the salt of its series, and the last bytes of its nonce: its number in the series. */
const SALT_BYTES = 16;
const NUMBER_BYTES = 4;
const SALT_END = 1 + SALT_BYTES;
const HEAD_BYTES = SALT_END + NUMBER_BYTES;
const NONCE_BYTES = 12;
/** Messages of one series. A key that got known would open so many. */
const SERIES = 65_536;

/**
 * Builds a seal. The first key closes, all of them open: a new one is put in front, and the old one taken away once nothing is left
 * that it has closed.
 * @throws WatchwordError `config_invalid` unless each key has 32 random bytes
 */
export function createByteSeal(keys: readonly Uint8Array[], purpose: string): ByteSeal {
  const own = deriveKeys(keys, purpose).map((key) => new SeriesKeys(key));
  let salt = Buffer.alloc(0);
  let number = SERIES;
  return {
    close(bytes, context) {
      if (number === SERIES) {
        salt = randomBytes(SALT_BYTES);
        number = 0;
      }
      const head = Buffer.allocUnsafe(HEAD_BYTES);
      head[0] = VERSION;
      head.set(salt, 1);
      head.writeUInt32BE(number, SALT_END);
      number += 1;
      const cipher = createCipheriv('aes-256-gcm', own[0]!.of(head), nonceOf(head)).setAAD(context);
      return Buffer.concat([head, cipher.update(bytes), endOf(cipher)]);
    },
    open(sealed, context) {
      const bytes = Buffer.from(sealed.buffer, sealed.byteOffset, sealed.byteLength);
      if (bytes.length < HEAD_BYTES + TAG_BYTES || bytes[0] !== VERSION) return undefined;
      for (const keys of own) {
        const opened = openWith(keys.of(bytes), bytes, context);
        if (opened !== undefined) return opened;
      }
      return undefined;
    },
  };
}

// GCM has nothing left to say but its tag.
function endOf(cipher: CipherGCM): Buffer {
  cipher.final();
  return cipher.getAuthTag();
}

// Keys as objects: Node finds out that bytes are none by throwing and catching, for 12 us each time.
function deriveKeys(keys: readonly Uint8Array[], purpose: string): readonly KeyObject[] {
  assertConfig(Array.isArray(keys) && keys.length > 0, 'sealingKeys: must be a non-empty list');
  return keys.map((key, index) => {
    const isGood = key instanceof Uint8Array && key.length === KEY_BYTES && new Set(key).size >= 8;
    assertConfig(isGood, `sealingKeys[${index}]: must be 32 random bytes`);
    return derive(createSecretKey(key), `watchword deferred ${purpose}`);
  });
}

/** Series whose keys are kept: what was closed together is opened together. */
const SERIES_KEPT = 16;

/** The keys of the series under one of the operator's keys. */
class SeriesKeys {
  readonly #key: KeyObject;
  readonly #known = new Map<string, KeyObject>();

  constructor(key: KeyObject) {
    this.#key = key;
  }

  of(sealed: Buffer): KeyObject {
    const salt = sealed.toString('latin1', 1, SALT_END);
    let key = this.#known.get(salt);
    if (key === undefined) {
      key = derive(this.#key, sealed.subarray(0, SALT_END));
      if (this.#known.size === SERIES_KEPT) this.#known.clear();
      this.#known.set(salt, key);
    }
    return key;
  }
}

function derive(key: KeyObject, label: string | Uint8Array): KeyObject {
  return createSecretKey(createHmac('sha256', key).update(label).digest());
}

function nonceOf(head: Buffer): Buffer {
  const nonce = Buffer.alloc(NONCE_BYTES);
  head.copy(nonce, NONCE_BYTES - NUMBER_BYTES, SALT_END, HEAD_BYTES);
  return nonce;
}

function openWith(key: KeyObject, bytes: Buffer, context: Uint8Array): Buffer | undefined {
  const end = bytes.length - TAG_BYTES;
  try {
    const decipher = createDecipheriv('aes-256-gcm', key, nonceOf(bytes), { authTagLength: TAG_BYTES });
    decipher.setAAD(context).setAuthTag(bytes.subarray(end));
    return Buffer.concat([decipher.update(bytes.subarray(HEAD_BYTES, end)), decipher.final()]);
  } catch {
    return undefined;
  }
}
