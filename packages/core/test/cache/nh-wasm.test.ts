/** The WebAssembly hash against the definition of NH in big integers. */
import { describe, expect, it } from 'vitest';
import { NH_LAYOUT, NH_MAX_BYTES, instantiateNh } from '../../src/cache/nh-wasm.ts';
import { type TokenDigest, createNhDigest } from '../../src/cache/token-digest.ts';
import { amount, freshSeed } from '../support/campaign.ts';
import { referenceFold, referenceNh } from '../support/nh-reference.ts';
import { SeededRandom } from '../support/seeded-random.ts';

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.';
const text = (random: SeededRandom, length: number): string => Array.from({ length }, () => random.pick([...ALPHABET])).join('');

function sums(words: Int32Array): bigint[] {
  return [...new BigUint64Array(words.buffer, words.byteOffset, 4)];
}

function expectReference(digest: TokenDigest, token: string, key: Uint8Array, place: string): void {
  expect(digest.update(token)).toBe(true);
  const reference = referenceNh(Buffer.from(token), key);
  expect(sums(digest.words), place).toEqual(reference);
  expect([...digest.brief], place).toEqual(referenceFold(reference, key.subarray(NH_MAX_BYTES + 64)));
}

describe('NH', () => {
  const random = new SeededRandom(freshSeed());
  const place = `seed ${random.seed}`;

  it('equals the reference for every length from 1 to 300, whatever stood there before', () => {
    const key = random.bytes(NH_LAYOUT.keyBytes);
    const digest = createNhDigest(() => key);
    // Downwards and upwards: a shorter token comes after the residue of a longer one.
    for (const length of [...Array(300).keys()].flatMap((index) => [300 - index, index + 1])) {
      expectReference(digest, text(random, length), key, `${place}, length ${length}`);
    }
  });

  it('equals the reference for long tokens, up to the last byte of the key', () => {
    const key = random.bytes(NH_LAYOUT.keyBytes);
    const digest = createNhDigest(() => key);
    const lengths = [
      NH_MAX_BYTES,
      NH_MAX_BYTES - 1,
      NH_MAX_BYTES - 31,
      NH_MAX_BYTES - 32,
      ...Array.from({ length: amount(20, 500) }, () => random.between(301, NH_MAX_BYTES)),
    ];
    for (const length of lengths) {
      expectReference(digest, text(random, length), key, `${place}, length ${length}`);
    }
  });

  it.each([
    ['zeros', 0x00],
    ['ones', 0xff],
    ['the sign bit of each word', 0x80],
  ])('carries and signs: a key of %s', (_, byte) => {
    const key = Buffer.alloc(NH_LAYOUT.keyBytes, byte);
    const digest = createNhDigest(() => key);
    for (const token of ['\0', '\x7f', '\x7f'.repeat(NH_MAX_BYTES), '\0'.repeat(64), '\x7f\0'.repeat(100)]) {
      expectReference(digest, token, key, `${token.length} bytes`);
    }
  });

  it('input, key and output do not overlap, and fit the one page of memory', () => {
    expect(NH_LAYOUT.key + NH_LAYOUT.keyBytes).toBeLessThanOrEqual(NH_LAYOUT.input);
    expect(NH_LAYOUT.input + NH_MAX_BYTES + 32).toBeLessThanOrEqual(NH_LAYOUT.output);
    expect(NH_LAYOUT.output + 48).toBeLessThanOrEqual(instantiateNh().memory.buffer.byteLength);
  });
});
