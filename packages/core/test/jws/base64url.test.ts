/** Strict base64url: JO-1. */
import { randomBytes } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { decodeBase64url, encodeBase64url } from '../../src/jws/base64url.ts';
import { outcome } from '../support/verdicts.ts';

describe('decodeBase64url', () => {
  test.each([
    '=',
    'QQ=',
    'QQ==',
    'QUI=',
    '+A',
    '/w',
    'Q',
    'QUJDR',
    'QQ QQ',
    ' QQ',
    'QQ\n',
    'Q\0Q',
    'QR',
    'QUL',
    '!',
    'é',
    '\u0141\u0141',
    'QQ.',
    '%51',
    'Q-_=',
    '\ufeffQQ',
  ])('refuses %j', (text) => {
    expect(outcome(() => decodeBase64url(text))).toBe('token_malformed');
  });

  test('of the texts of one, two, three and four letters, exactly one each stands for one sequence of bytes', () => {
    const letters = ['A', 'B', 'Q', 'g', 'w', '8', '-', '_'];
    const two = letters.flatMap((first) => letters.map((second) => first + second));
    const accepted = [...letters, ...two, ...two.flatMap((text) => letters.map((third) => text + third))].filter(
      (text) => outcome(() => decodeBase64url(text)) === 'accepted',
    );
    const decoded = accepted.map((text) => Buffer.from(text, 'base64url').toString('hex'));
    expect(new Set(decoded).size).toBe(accepted.length);
    expect(accepted.some((text) => text.length === 1)).toBe(false);
  });

  test('gives back what encodeBase64url was given, for every length', () => {
    for (let length = 0; length < 200; length += 1) {
      const bytes = randomBytes(length);
      expect(decodeBase64url(encodeBase64url(bytes)).equals(bytes)).toBe(true);
    }
  });

  test('encodes a view of a larger buffer, not the buffer', () => {
    expect(encodeBase64url(new Uint8Array([0, 65, 66, 0]).subarray(1, 3))).toBe('QUI');
  });
});
