/** The cache key: equal for equal tokens only, keyed by a secret of this process (D1, D9). */
import { describe, expect, it } from 'vitest';
import { randomBytes } from 'node:crypto';
import { NH_MAX_BYTES } from '../../src/cache/nh-wasm.ts';
import { type TokenDigest, createNhDigest, createShaDigest, createTokenDigest, homeOf } from '../../src/cache/token-digest.ts';
import { outcome } from '../support/verdicts.ts';

const TOKEN = `${Buffer.alloc(60, 'header').toString('base64url')}.${Buffer.alloc(200, 'claims').toString('base64url')}.${Buffer.alloc(64, 'sig').toString('base64url')}`;

function digestOf(digest: TokenDigest, token: string): string | undefined {
  return digest.update(token) ? digest.words.join() : undefined;
}

function briefOf(digest: TokenDigest, token: string): string | undefined {
  return digest.update(token) ? digest.brief.join() : undefined;
}

describe.each([
  ['NH', createNhDigest],
  ['SHA-256', createShaDigest],
])('%s', (_, create) => {
  it.each([
    ['empty', ''],
    ['too long', 'A'.repeat(NH_MAX_BYTES + 1)],
    [
      'a character that Latin-1 folds onto an ASCII one',
      TOKEN.slice(0, 3) + String.fromCharCode(TOKEN.charCodeAt(3) + 0x100) + TOKEN.slice(4),
    ],
    ['a lone high surrogate', `${TOKEN}\ud800`],
    ['a lone low surrogate', `${TOKEN}\udc00`],
    ['what lone surrogates are encoded as', `${TOKEN}\ufffd`],
    ['a pair of surrogates', `${TOKEN}\u{1f600}`],
    ['non-ASCII alone, of the greatest length', '\u0141'.repeat(NH_MAX_BYTES)],
    ['non-ASCII at the very end of the greatest length', `${'A'.repeat(NH_MAX_BYTES - 1)}\u0141`],
    ['non-ASCII that fills the buffer', `${'A'.repeat(NH_MAX_BYTES - 32)}${'\ud800'.repeat(32)}`],
  ])('is not made of a token that is %s', (_, token) => {
    const digest = create(randomBytes);
    digest.update(TOKEN);
    const before = digest.words.join();
    expect(digest.update(token)).toBe(false);
    expect(digest.words.join()).toBe(before);
  });

  it.each([
    ['whole', digestOf],
    ['brief', briefOf],
  ])('D1: changes with every character, at every position: %s', (__, formOf) => {
    const digest = create(randomBytes);
    const seen = new Set([formOf(digest, TOKEN)]);
    for (let at = 0; at < TOKEN.length; at += 1) {
      for (const bit of [1, 2, 4, 8, 16, 32, 64]) {
        const twin = TOKEN.slice(0, at) + String.fromCharCode(TOKEN.charCodeAt(at) ^ bit) + TOKEN.slice(at + 1);
        seen.add(formOf(digest, twin));
      }
    }
    expect(seen.size).toBe(TOKEN.length * 7 + 1);
    expect(seen.has(undefined)).toBe(false);
  });

  it('is the same for the same token, whatever came in between', () => {
    const digest = create(randomBytes);
    const first = digestOf(digest, TOKEN);
    for (const other of [`${TOKEN}x`, TOKEN.slice(0, -1), 'x'.repeat(NH_MAX_BYTES), 'x']) digest.update(other);
    expect(digestOf(digest, TOKEN)).toBe(first);
    expect(digestOf(digest, `${TOKEN.slice(0, 10)}${TOKEN.slice(10)}`)).toBe(first);
  });

  it('the beginning of a digest has its home, and the end all of it', () => {
    const digest = create(randomBytes);
    const brief = briefOf(digest, TOKEN)!;
    const home = homeOf(digest.brief, 0);
    digest.update(`${TOKEN}x`);
    expect(digest.begin(TOKEN)).toBe(true);
    expect(homeOf(digest.brief, 0)).toBe(home);
    digest.finish(TOKEN);
    expect(digest.brief.join()).toBe(brief);
    expect(digest.begin(`${TOKEN}\ud800`)).toBe(false);
  });

  it('D9: has another key in each instance', () => {
    const digests = Array.from({ length: 50 }, () => digestOf(create(randomBytes), TOKEN));
    expect(new Set(digests).size).toBe(50);
  });

  it.each([
    ['by their signatures', () => TOKEN + randomBytes(64).toString('base64url')],
    ['by a few characters at the end', (index: number) => TOKEN + index],
    [
      'by a few characters in the middle',
      (index: number) => TOKEN.slice(0, 99) + String(index).padStart(4, '0') + TOKEN.slice(99),
    ],
  ])('D9: 4096 tokens that differ %s spread over 1024 slots', (__, make) => {
    const fullest = Array.from({ length: 9 }, () => {
      const digest = create(randomBytes);
      const slots = Array.from({ length: 1024 }, () => 0);
      for (let index = 0; index < 4096; index += 1) {
        digest.update(make(index));
        slots[homeOf(digest.brief, 0) & 1023]! += 1;
      }
      return Math.max(...slots);
    });
    // 11 or 12 is what perfect randomness gives; the median, because NH has a few weak keys for tokens that are nearly equal.
    expect(fullest.sort((left, right) => left - right)[4]).toBeLessThan(20);
  });
});

describe('the key', () => {
  it.each([
    ['nothing', () => new Uint8Array(0)],
    ['too little', (size: number) => new Uint8Array(size - 1)],
    ['too much', (size: number) => new Uint8Array(size + 1)],
    ['no bytes', () => 'secret' as unknown as Uint8Array],
  ])('a source of randomness that gives %s is refused', (_, source) => {
    expect(outcome(() => createTokenDigest(source))).toBe('config_invalid');
    expect(outcome(() => createShaDigest(source))).toBe('config_invalid');
  });

  it('is asked for once', () => {
    const sizes: number[] = [];
    createTokenDigest((size) => {
      sizes.push(size);
      return randomBytes(size);
    });
    expect(sizes).toHaveLength(1);
    expect(sizes[0]).toBeGreaterThan(NH_MAX_BYTES);
  });
});
