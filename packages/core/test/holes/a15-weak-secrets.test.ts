/** Row A15: a secret that somebody could guess is refused before the first token is verified; a random one never is. */
import { randomBytes, randomUUID } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { createLocalKeys } from '../../src/keys/local-keys.ts';
import { createVerificationKey } from '../../src/keys/verification-key.ts';
import { guessableSecrets } from '../support/guessable-secrets.ts';
import { outcome, tally } from '../support/verdicts.ts';

const SIZES = [
  ['HS256', 32],
  ['HS384', 48],
  ['HS512', 64],
] as const;

describe('A15: guessable HMAC secrets', () => {
  test('A15: there are at least 3502 of them, all long enough for their algorithm', () => {
    const lists = SIZES.map(([, size]) => guessableSecrets(size));
    expect(lists.map((list, index) => list.every((secret) => secret.length >= SIZES[index]![1]))).toEqual([true, true, true]);
    expect(lists.flat().length).toBeGreaterThanOrEqual(3502);
  });

  test.each(SIZES)('A15: every one of them is refused for %s', (alg, size) => {
    const accepted = guessableSecrets(size).filter(
      (secret) => outcome(() => createVerificationKey({ alg, secret })) !== 'config_invalid',
    );
    expect(accepted.map((secret) => secret.toString('latin1'))).toEqual([]);
  });

  test('A15: a UUID identifies and is no secret (RFC 9562 section 8)', () => {
    for (const text of [
      randomUUID(),
      randomUUID().toUpperCase(),
      `{${randomUUID()}}`,
      randomUUID().replaceAll(/-/g, '').concat('\n'),
    ]) {
      const secret = Buffer.from(text);
      if (text.includes('-')) expect(outcome(() => createVerificationKey({ alg: 'HS256', secret }))).toBe('config_invalid');
    }
  });

  test('A15: the error says why, at start-up, and never shows the secret', () => {
    const secret = Buffer.from('correct-horse-battery-staple-correct-horse');
    const start = (): unknown => createLocalKeys({ issuer: 'x', keys: [{ alg: 'HS256', secret }] });
    expect(start).toThrow(/secret: is made of words, sequences or repetitions that can be guessed; use random bytes/);
    expect(start).not.toThrow(/horse|battery/);
    expect(() => createVerificationKey({ alg: 'HS256', secret: Buffer.from('hunter2') })).toThrow(
      'secret: must have at least 32 bytes (has 7)',
    );
  });

  test('A15: a hundred thousand characters are judged at once', () => {
    const started = performance.now();
    expect(outcome(() => createVerificationKey({ alg: 'HS256', secret: Buffer.from('secret '.repeat(15_000)) }))).toBe(
      'config_invalid',
    );
    expect(performance.now() - started).toBeLessThan(1000);
  });
});

describe('A15: random secrets', () => {
  const ENCODINGS: readonly [string, (bytes: Buffer) => Buffer][] = [
    ['raw bytes', (bytes) => bytes],
    ...(['hex', 'base64', 'base64url'] as const).map(
      (encoding) => [encoding, (bytes: Buffer) => Buffer.from(bytes.toString(encoding))] as [string, (bytes: Buffer) => Buffer],
    ),
  ];
  test.each(ENCODINGS)('A15: 10000 of them as %s are accepted', (_, encode) => {
    const verdicts = Array.from({ length: 10_000 }, (_, index) => {
      const [alg, size] = SIZES[index % 3]!;
      return outcome(() => createVerificationKey({ alg, secret: encode(randomBytes(size)) }));
    });
    expect(tally(verdicts)).toEqual({ accepted: 10_000 });
  });
});
