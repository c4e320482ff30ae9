import { generateKeyPairSync, randomBytes, sign, verify } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { fromDer, toDer } from '../../src/jws/ecdsa-der.ts';

const CURVES = [
  ['prime256v1', 'sha256', 64],
  ['secp384r1', 'sha384', 96],
  ['secp521r1', 'sha512', 132],
] as const;

describe.each(CURVES)('ECDSA signatures on %s', (namedCurve, hash, bytes) => {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve });
  // Enough for leading zeros of r and s to turn up, one in 256 each.
  const messages = Array.from({ length: bytes === 64 ? 1500 : 500 }, () => randomBytes(16));

  it('survive both conversions, and Node verifies either form', () => {
    for (const message of messages) {
      const der = sign(hash, message, privateKey);
      const plain = fromDer(der, bytes);
      expect(plain).toHaveLength(bytes);
      expect(verify(hash, message, { key: publicKey, dsaEncoding: 'ieee-p1363' }, plain)).toBe(true);
      expect(toDer(plain).equals(der)).toBe(true);
    }
  });

  it('read back what Node writes side by side', () => {
    for (const message of messages.slice(0, 300)) {
      const plain = sign(hash, message, { key: privateKey, dsaEncoding: 'ieee-p1363' });
      expect(verify(hash, message, publicKey, toDer(plain))).toBe(true);
    }
  });

  it.each([
    ['r = s = 0', Buffer.alloc(bytes)],
    ['all bits set', Buffer.alloc(bytes, 0xff)],
    ['r = 0', Buffer.concat([Buffer.alloc(bytes / 2), Buffer.alloc(bytes / 2, 1)])],
    ['s = 0', Buffer.concat([Buffer.alloc(bytes / 2, 1), Buffer.alloc(bytes / 2)])],
  ])('with %s are refused, and nothing is thrown (A7)', (_name, signature) => {
    expect(verify(hash, messages[0]!, publicKey, toDer(signature))).toBe(false);
  });
});
