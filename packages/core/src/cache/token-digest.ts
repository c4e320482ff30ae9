/** The cache key: a keyed 256-bit digest of a whole token (invariant 2, VC-1, D1, D9). */
import { createHash, randomBytes as systemRandomBytes } from 'node:crypto';
import { WatchwordError, assertConfig } from '../errors.ts';
import { NH_LAYOUT, NH_MAX_BYTES, instantiateNh } from './nh-wasm.ts';

/** Number of 32-bit words in a digest. */
export const DIGEST_WORDS = 8;
/** The same of its brief form. */
export const BRIEF_WORDS = 4;

/** Digests one token at a time. */
export interface TokenDigest {
  /** The digest of the last token that `update` took. Overwritten by the next one. */
  readonly words: Int32Array;
  /** The same token in 128 bits, for tables whose memory is cold. */
  readonly brief: Int32Array;
  /** Digests a token. @returns false for a token that can't be digested (too long, not ASCII), which is then not cached */
  update(token: string): boolean;
  /** The beginning of `update`: of `brief`, what {@link homeOf} needs. */
  begin(token: string): boolean;
  /** The rest of `update`, after a `begin` that said true. */
  finish(token: string): void;
}

/**
 * The fast digest: NH with four lanes. For two different tokens of equal length, chosen without knowledge of the key, the
 * chance of equal digests is at most 2^-128 (RFC 4418 section 6.1); lengths are compared by the table. The key is random,
 * lives in this process only, and no digest ever leaves it. SHA-256 takes three times as long for a token of 1 KB.
 *
 * The brief form is four strongly universal hashes to 32 bits each, with keys of their own, the first one of the first lane, the
 * others of all lanes. For two tokens whose first lanes differ the chance of equal ones is 2^-128; whose first lanes are equal and
 * others are not, 2^-32 times 2^-96; whose lanes are all equal, 2^-128: less than 2^-126 in all. Two lanes alone would have 2^-64.
 *
 * Where WebAssembly is not available (`--jitless`), SHA-256 with a random prefix takes its place.
 */
export function createTokenDigest(randomBytes: (size: number) => Uint8Array = systemRandomBytes): TokenDigest {
  try {
    return createNhDigest(randomBytes);
  } catch (error) {
    if (error instanceof WatchwordError) throw error;
    return createShaDigest(randomBytes);
  }
}

/** NH in WebAssembly. @throws where WebAssembly with SIMD is not available */
export function createNhDigest(randomBytes: (size: number) => Uint8Array): TokenDigest {
  const { memory, begin, finish } = instantiateNh();
  Buffer.from(memory.buffer, NH_LAYOUT.key, NH_LAYOUT.keyBytes).set(randomKey(randomBytes, NH_LAYOUT.keyBytes));
  const input = Buffer.from(memory.buffer, NH_LAYOUT.input, NH_MAX_BYTES + 32);
  const start = (token: string): boolean => {
    const { length } = token;
    if (length === 0 || length > NH_MAX_BYTES) return false;
    // UTF-8, not Latin-1: that would fold other characters onto ASCII, and so two spellings into one key. Whatever is not
    // ASCII takes more bytes than characters.
    if (input.write(token, 0) !== length) return false;
    begin(length);
    return true;
  };
  return {
    words: new Int32Array(memory.buffer, NH_LAYOUT.output, DIGEST_WORDS),
    brief: new Int32Array(memory.buffer, NH_LAYOUT.output + 4 * DIGEST_WORDS, BRIEF_WORDS),
    begin: start,
    finish: (token) => finish(token.length),
    update(token) {
      const isDigestible = start(token);
      if (isDigestible) finish(token.length);
      return isDigestible;
    },
  };
}

/** SHA-256, for hosts without WebAssembly. */
export function createShaDigest(randomBytes: (size: number) => Uint8Array): TokenDigest {
  const prefix = randomKey(randomBytes, 32);
  const words = new Int32Array(DIGEST_WORDS);
  const bytes = Buffer.from(words.buffer);
  const update = (token: string): boolean => {
    if (token.length === 0 || token.length > NH_MAX_BYTES) return false;
    // As above: lone surrogates, all encoded as U+FFFD, would share a digest.
    if (Buffer.byteLength(token) !== token.length) return false;
    createHash('sha256').update(prefix).update(token).digest().copy(bytes);
    return true;
  };
  return { words, brief: words.subarray(0, BRIEF_WORDS), update, begin: update, finish: () => {} };
}

/** Where to look for a digest: 32 bits that depend on the whole token and on the key, so nobody outside can aim at a place (D9). */
export function homeOf(brief: Int32Array, at: number): number {
  // Nearly equal tokens give equal distances.
  const home = Math.imul(brief[at]! ^ (brief[at]! >>> 16), 0x85ebca6b);
  return home ^ (home >>> 15);
}

// A shorter key would leave zeros, which anybody can compute collisions for.
function randomKey(randomBytes: (size: number) => Uint8Array, size: number): Uint8Array {
  const key = randomBytes(size);
  assertConfig(key instanceof Uint8Array && key.length === size, `cache.randomBytes: must give the ${size} bytes asked for`);
  return key;
}
