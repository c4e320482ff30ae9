/** Row A13 and scorecard S7: one token has one spelling, and with ECDSA a second one that anybody can compute. */
import { describe, expect, test } from 'vitest';
import { createVerificationKey } from '../../src/keys/verification-key.ts';
import { verifyJws } from '../../src/jws/jws.ts';
import type { AlgorithmName } from '../../src/keys/algorithms.ts';
import { ALGORITHM_NAMES, testKey } from '../support/keys.ts';
import { makeToken, verifierOf } from '../support/tokens.ts';
import { outcome, verdict } from '../support/verdicts.ts';

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
const INTRUDERS = [' ', '\t', '\n', '\r\n', '\0', '\u00a0', '\u200b', '\ufeff', '=', '!', '*', ',', '~', '%3D', '\u0141'];
const ORDERS: Readonly<Record<string, bigint>> = {
  ES256: 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n,
  ES384: 0xffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973n,
  ES512:
    0x01fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffa51868783bf2f966b7fcc0148f709a5d03bb5c9b8899c47aebb6fb71e91386409n,
};

/** Other texts that a lenient decoder reads as the same bytes. */
function respell(segment: string): readonly string[] {
  const middle = segment.length >> 1;
  const bytes = Buffer.from(segment, 'base64url');
  const tails = [...ALPHABET]
    .map((last) => segment.slice(0, -1) + last)
    .filter((text) => Buffer.from(text, 'base64url').equals(bytes));
  return [
    ...tails,
    `${segment}=`,
    `${segment}==`,
    bytes.toString('base64'),
    segment.replaceAll('-', '+').replaceAll('_', '/'),
    `${segment}A`.slice(0, -1),
    ...INTRUDERS.flatMap((sign) => [sign + segment, segment.slice(0, middle) + sign + segment.slice(middle), segment + sign]),
  ];
}

function spellings(token: string, alg: AlgorithmName): readonly string[] {
  const segments = token.split('.');
  const respelled = segments.flatMap((segment, index) => respell(segment).map((other) => segments.with(index, other).join('.')));
  const whole = [
    token,
    ` ${token}`,
    `${token}\n`,
    `"${token}"`,
    `Bearer ${token}`,
    `${token}.`,
    token.replaceAll('.', '%2E'),
    token.replaceAll('.', '\u2024'),
    token.replaceAll('.', '..'),
  ];
  return [...new Set([...whole, ...respelled, ...mirrored(token, alg)])];
}

/** ECDSA accepts (r, n - s) wherever it accepts (r, s). */
function mirrored(token: string, alg: AlgorithmName): readonly string[] {
  const order = ORDERS[alg];
  if (order === undefined) return [];
  const [header, payload, signature] = token.split('.') as [string, string, string];
  const hex = Buffer.from(signature, 'base64url').toString('hex');
  const half = hex.length / 2;
  const s = (order - BigInt(`0x${hex.slice(half)}`)).toString(16).padStart(half, '0');
  return [`${header}.${payload}.${Buffer.from(hex.slice(0, half) + s, 'hex').toString('base64url')}`];
}

describe('A13: spellings of one token', () => {
  test.each(ALGORITHM_NAMES)('A13: of at least 138 spellings of an %s token, one is accepted, or two with ECDSA', async (alg) => {
    const key = testKey(alg);
    const verifier = verifierOf(key);
    const token = makeToken(key);
    const all = spellings(token, alg);
    const verdicts = await Promise.all(all.map((text) => verdict(verifier, text)));
    const accepted = all.filter((_, index) => verdicts[index] === 'accepted');
    expect(all.length).toBeGreaterThanOrEqual(138);
    expect(accepted).toEqual([token, ...mirrored(token, alg)]);
    expect(verdicts.filter((name) => name.startsWith('threw'))).toEqual([]);
  });

  test.each(ALGORITHM_NAMES)('A13: the JWS layer counts the same for %s', (alg) => {
    const key = testKey(alg);
    const typed = createVerificationKey(key.material);
    const token = makeToken(key);
    const accepted = spellings(token, alg).filter((text) => outcome(() => verifyJws(text, typed)) === 'accepted');
    expect(accepted).toHaveLength(alg.startsWith('ES') ? 2 : 1);
  });

  test('A13: both spellings of an ES256 token have one jti, which is what revocation goes by (invariant 3)', async () => {
    const key = testKey('ES256');
    const token = makeToken(key);
    const [other] = mirrored(token, 'ES256');
    const verifier = verifierOf(key);
    expect(other).not.toBe(token);
    expect((await verifier.verify(other!)).claims.jti).toBe((await verifier.verify(token)).claims.jti);
  });
});
