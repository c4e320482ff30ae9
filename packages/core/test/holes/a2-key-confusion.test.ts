/** Row A2: a public key in a secret's clothes. Three published fixes in a row failed because they guessed the type from the text. */
import { createHmac } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { verifyJws } from '../../src/jws/jws.ts';
import { createVerificationKey } from '../../src/keys/verification-key.ts';
import { type TestKey, testKey } from '../support/keys.ts';
import { accessClaims, segment } from '../support/tokens.ts';
import { outcome, tally } from '../support/verdicts.ts';

const PREFIXES = [
  '',
  ' ',
  '  ',
  '\t',
  '\n',
  '\r\n',
  '\r',
  '\v',
  '\f',
  '\0',
  '\u00a0',
  '\u1680',
  '\u2000',
  '\u2003',
  '\u200a',
  '\u200b',
  '\u200c',
  '\u200d',
  '\u2028',
  '\u2029',
  '\u202f',
  '\u205f',
  '\u2060',
  '\u3000',
  '\ufeff',
  '\u00ad',
  '\u180e',
  '\x1b[0m',
  '# key\n',
  'subject=/CN=x\n',
] as const;

const HMAC = [
  ['HS256', 'sha256'],
  ['HS384', 'sha384'],
  ['HS512', 'sha512'],
] as const;

/** A public key in every form in which people keep one. */
function formsOf(key: TestKey): Record<string, Buffer> {
  const jwk = { ...key.publicKey!.export({ format: 'jwk' }), kid: key.kid };
  const spki = key.publicKey!.export({ type: 'spki', format: 'der' });
  const pem = key.publicKey!.export({ type: 'spki', format: 'pem' }) as string;
  const forms: Record<string, string | Buffer> = {
    'SPKI PEM': pem,
    'SPKI PEM with CRLF': pem.replaceAll('\n', '\r\n'),
    'SPKI PEM in one line': pem.replaceAll('\n', ''),
    'SPKI PEM escaped': pem.replaceAll('\n', String.raw`\n`),
    'PEM body': pem.split('\n').slice(1, -2).join(''),
    'SPKI DER': spki,
    'base64url of DER': spki.toString('base64url'),
    JWK: JSON.stringify(jwk),
    'JWK, indented': JSON.stringify(jwk, null, 2),
    JWKS: JSON.stringify({ keys: [jwk] }),
  };
  if (key.alg.startsWith('RS')) {
    forms['PKCS1 PEM'] = key.publicKey!.export({ type: 'pkcs1', format: 'pem' });
    forms['PKCS1 DER'] = key.publicKey!.export({ type: 'pkcs1', format: 'der' });
    forms['PKCS1 PEM body'] = (forms['PKCS1 PEM'] as string).split('\n').slice(1, -2).join('');
  }
  return Object.fromEntries(Object.entries(forms).map(([name, form]) => [name, Buffer.from(form as string)]));
}

describe('A2: algorithm confusion', () => {
  test('A2: there are 30 prefixes', () => expect(new Set(PREFIXES).size).toBe(30));

  test.each(['RS256', 'ES256', 'ES512', 'Ed25519'] as const)(
    'A2: no form of an %s key becomes an HMAC secret, behind any prefix',
    (alg) => {
      const verdicts: string[] = [];
      for (const [name, form] of Object.entries(formsOf(testKey(alg)))) {
        for (const prefix of PREFIXES) {
          const secret = Buffer.concat([Buffer.from(prefix), form]);
          for (const [hmac] of HMAC) {
            const result = outcome(() => createVerificationKey({ alg: hmac, secret }));
            verdicts.push(
              result === 'config_invalid' ? result : `${name} behind ${JSON.stringify(prefix)} for ${hmac}: ${result}`,
            );
          }
        }
      }
      expect(Object.keys(tally(verdicts))).toEqual(['config_invalid']);
      expect(verdicts.length).toBeGreaterThanOrEqual(10 * 30 * 3);
    },
  );

  test('A2: nor does its text, as text, whatever member it is given in', () => {
    for (const [name, form] of Object.entries(formsOf(testKey('RS256')))) {
      for (const [alg] of HMAC) {
        for (const member of ['secret', 'pem', 'jwk']) {
          const material = { alg, [member]: form.toString('latin1') } as never;
          expect(
            outcome(() => createVerificationKey(material)),
            `${name} as ${member}`,
          ).toBe('config_invalid');
        }
      }
    }
  });

  test('A2: nor a KeyObject, or a key that was made for something else', () => {
    const key = testKey('RS256');
    for (const secret of [key.publicKey, key.privateKey, createVerificationKey(key.material)]) {
      expect(outcome(() => createVerificationKey({ alg: 'HS256', secret } as never))).toBe('config_invalid');
    }
  });

  test('A2: an HS token made with the public key is refused by the public key', () => {
    const key = testKey('RS256');
    const typed = createVerificationKey(key.material);
    const verdicts = Object.values(formsOf(key)).flatMap((form) =>
      HMAC.map(([alg, hash]) => {
        const input = `${segment({ alg, typ: 'at+jwt', kid: key.kid })}.${segment(accessClaims())}`;
        return outcome(() => verifyJws(`${input}.${createHmac(hash, form).update(input).digest('base64url')}`, typed));
      }),
    );
    expect(tally(verdicts)).toEqual({ algorithm_not_allowed: 39 });
  });

  test('A2: PEM is read as one block of a named form, not searched for', () => {
    const pem = formsOf(testKey('RS256'))['SPKI PEM']!.toString();
    const alg = 'RS256';
    expect(outcome(() => createVerificationKey({ alg, pem }))).toBe('accepted');
    for (const text of [`junk\n${pem}`, `${pem}${pem}`, pem.replace('PUBLIC', 'RSA PUBLIC'), pem.replace('BEGIN', 'BEG1N'), '']) {
      expect(outcome(() => createVerificationKey({ alg, pem: text }))).toBe('config_invalid');
    }
  });
});
