/** Rows F6, F7 and F8: what a token may cost before it is known to be good, and what is never done with one. */
import { channel } from 'node:diagnostics_channel';
import { deflateRawSync } from 'node:zlib';
import { describe, expect, test, vi } from 'vitest';
import { SIGNATURE_CHECK_CHANNEL } from '../../src/jws/signature.ts';
import { verifyJws } from '../../src/jws/jws.ts';
import { createVerificationKey } from '../../src/keys/verification-key.ts';
import { createVerifier } from '../../src/verify/create-verifier.ts';
import { testKey } from '../support/keys.ts';
import { accessClaims, clock, issuerPolicy, makeToken, segment, verifierOf } from '../support/tokens.ts';
import { outcome, verdict } from '../support/verdicts.ts';

const key = testKey('ES256');
const verifier = verifierOf(key);
const nested = (depth: number, open = '[', close = ']'): string => open.repeat(depth) + close.repeat(depth);

/** Microseconds of the fastest of many runs: what the work costs when nothing gets in between. */
async function cheapest(work: () => Promise<unknown>): Promise<number> {
  let best = Infinity;
  for (let run = 0; run < 30; run += 1) {
    const started = performance.now();
    await work();
    best = Math.min(best, (performance.now() - started) * 1000);
  }
  return best;
}

describe('F6: size', () => {
  const bodies: Record<string, string> = {
    'a million dots': '.'.repeat(1_000_000),
    'a million letters': 'A'.repeat(1_000_000),
    'a good token with a long tail': `${makeToken(key)}${'A'.repeat(1_000_000)}`,
    'a million characters outside of ASCII': '\u{10000}'.repeat(500_000),
    'a million braces': segment('{'.repeat(750_000)),
  };
  test.each(Object.entries(bodies))('F6: %s are refused in less than 50 us, before anything is decoded', async (_, token) => {
    expect(await verdict(verifier, token)).toBe('token_too_large');
    expect(await cheapest(() => verdict(verifier, token))).toBeLessThan(50);
    expect(outcome(() => verifyJws(token, createVerificationKey(key.material)))).toBe('token_too_large');
  });

  test('F6: the limit is exact: 8192 characters by default', async () => {
    const exactly = (length: number): string => {
      const filler = (size: number): string => makeToken(key, { payload: accessClaims({ x: 'x'.repeat(size) }) });
      for (let size = Math.floor((length - filler(0).length) * 0.75) - 3; ; size += 1)
        if (filler(size).length >= length) return filler(size);
    };
    const tokens = [8191, 8192, 8193].map((length) => exactly(length));
    for (const token of tokens) expect(await verdict(verifier, token)).toBe(token.length > 8192 ? 'token_too_large' : 'accepted');
    const small = createVerifier({ issuers: [issuerPolicy(key)], clock, maxTokenBytes: 100 });
    expect(await verdict(small, makeToken(key))).toBe('token_too_large');
  });

  test('F6: 8192 dots cost less than a signature check', async () => {
    const good = makeToken(key);
    expect(await cheapest(() => verdict(verifier, '.'.repeat(8192)))).toBeLessThan(await cheapest(() => verdict(verifier, good)));
  });
});

describe('F7: depth, and the signature before the payload', () => {
  const header = (depth: number): string => `{"alg":"ES256","typ":"at+jwt","kid":"${key.kid}","x":${nested(depth - 1)}}`;
  const payload = (depth: number): string => `${JSON.stringify(accessClaims()).slice(0, -1)},"x":${nested(depth - 1)}}`;

  test('F7: a header of 16 levels and a payload of 64 are accepted, one more is refused', async () => {
    expect(await verdict(verifier, makeToken(key, { header: header(16) }))).toBe('accepted');
    expect(await verdict(verifier, makeToken(key, { header: header(17) }))).toBe('json_invalid');
    expect(await verdict(verifier, makeToken(key, { payload: payload(64) }))).toBe('accepted');
    expect(await verdict(verifier, makeToken(key, { payload: payload(65) }))).toBe('json_invalid');
  });

  test.each(['[', '{"a":', '[{"a":'])(
    'F7: a bomb of "%s" costs less than a signature check, as header and as payload',
    async (open) => {
      const bomb = open.repeat(Math.floor(5900 / open.length));
      const cost = await cheapest(() => verdict(verifier, makeToken(key)));
      const asHeader = `${segment(bomb)}.${segment(accessClaims())}.${segment(Buffer.alloc(64))}`;
      expect(await verdict(verifier, asHeader)).toBe('json_invalid');
      expect(await cheapest(() => verdict(verifier, asHeader))).toBeLessThan(cost);
    },
  );

  test('F7: an unsigned payload is not parsed, whatever is in it', async () => {
    const parse = vi.spyOn(JSON, 'parse');
    try {
      const [head, , signature] = makeToken(key).split('.') as [string, string, string];
      await verdict(verifier, makeToken(key));
      parse.mockClear();
      for (const hostile of [
        segment(nested(2000)),
        segment('{"__proto__":1}'),
        '!!!!',
        segment(accessClaims({ sub: 'admin' })),
      ]) {
        expect(await verdict(verifier, `${head}.${hostile}.${signature}`)).toBe('signature_invalid');
      }
      expect(parse).not.toHaveBeenCalled();
    } finally {
      parse.mockRestore();
    }
  });

  test('F7: what the header rules out costs no signature check', async () => {
    const checks: unknown[] = [];
    const count = (message: unknown): unknown => checks.push(message);
    channel(SIGNATURE_CHECK_CHANNEL).subscribe(count);
    try {
      for (const change of [{ alg: 'RS256' }, { alg: 'none' }, { typ: 'JWT' }, { kid: 'unknown' }, { crit: ['x'] }]) {
        expect(await verdict(verifier, makeToken(key, { header: change }))).not.toBe('accepted');
      }
      expect(checks).toEqual([]);
      await verdict(verifier, makeToken(key));
      expect(checks).toEqual([{ alg: 'ES256' }]);
    } finally {
      channel(SIGNATURE_CHECK_CHANNEL).unsubscribe(count);
    }
  });
});

describe('F8: no decompression, no derived keys, no encryption', () => {
  test('F8: a compressed payload is not inflated', async () => {
    const bomb = deflateRawSync(Buffer.alloc(1_000_000, 0x20));
    const token = makeToken(key, { header: { zip: 'DEF' }, payload: bomb });
    expect(await verdict(verifier, token)).toBe('json_invalid');
    // zip is a header parameter of JWE; in a JWS it is one of those that nobody knows (JO-6).
    expect(await verdict(verifier, makeToken(key, { header: { zip: 'DEF' } }))).toBe('accepted');
  });

  test.each(['PBES2-HS256+A128KW', 'PBES2-HS512+A256KW', 'dir', 'RSA-OAEP', 'RSA1_5', 'ECDH-ES', 'A256GCMKW'])(
    'F8: alg %s is no signature, and p2c costs nothing',
    async (alg) => {
      const token = makeToken(key, { header: { alg, enc: 'A256GCM', p2c: 2 ** 31 - 1, p2s: 'c2FsdA' } });
      expect(await verdict(verifier, token)).toBe('algorithm_not_allowed');
      expect(await cheapest(() => verdict(verifier, token))).toBeLessThan(5000);
      expect(outcome(() => verifierOf(key, { algorithms: [alg] as never }))).toBe('config_invalid');
    },
  );
});
