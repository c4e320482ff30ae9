import { ERRORS, generateSigningKey, signJws } from '@watchword/core';
import { describe, expect, test } from 'vitest';
import { NOW, createFiles, watchword } from './support.ts';

const at = ['--at', String(NOW)];

describe('wrong usage: exit 2 and no verdict', () => {
  test('without a configuration, with a wrong one, with one that cannot be read', async () => {
    const files = createFiles('nonsense: 1\n');
    expect(await watchword(['verify', 'x'])).toMatchObject({
      code: 2,
      out: '',
      err: expect.stringContaining("'-c, --config <file>' not specified"),
    });
    expect(await watchword(['verify', '-c', files.config, 'x'])).toEqual({
      code: 2,
      out: '',
      err: `${files.config}:17:1: nonsense: is not a setting\n`,
    });
    expect(await watchword(['verify', '-c', `${files.directory}/none.yaml`, 'x'])).toMatchObject({
      code: 2,
      err: expect.stringContaining('cannot be read (ENOENT)'),
    });
  });

  test('key files that cannot be read', async () => {
    const files = createFiles();
    const config = files.write(
      'other.yaml',
      `issuers: [{issuer: a, audience: b, algorithms: [ES256],\n  jwksFile: none.json}]\nupstreams: {a: {url: http://a}}\nroutes: [{path: /, upstream: a, public: true}]\n`,
    );
    expect(await watchword(['verify', '-c', config, 'x'])).toMatchObject({
      code: 2,
      err: `${config}:2:13: issuers[0].jwksFile: cannot be read (ENOENT)\n`,
    });
  });

  test('a configuration that trusts nobody', async () => {
    const files = createFiles();
    const config = files.write('open.yaml', 'upstreams: {a: {url: http://a}}\nroutes: [{path: /, upstream: a, public: true}]\n');
    expect(await watchword(['verify', '-c', config, 'x'])).toMatchObject({
      code: 2,
      err: expect.stringContaining('trusts no issuer'),
    });
  });

  test('no token, two tokens, a file that is missing', async () => {
    const { config } = createFiles();
    expect(await watchword(['verify', '-c', config], ' \n')).toMatchObject({
      code: 2,
      err: expect.stringContaining('There is no token'),
    });
    expect(await watchword(['verify', '-c', config, 'x', '--token-file', 'y'])).toMatchObject({
      code: 2,
      err: expect.stringContaining('not both'),
    });
    expect(await watchword(['verify', '-c', config, '--token-file', '/nonexistent'])).toMatchObject({
      code: 2,
      err: expect.stringContaining('ENOENT'),
    });
    expect(await watchword(['verify', '-c', config, 'x', 'y'])).toMatchObject({ code: 2 });
  });

  test('keys that cannot be fetched say nothing about the token', async () => {
    const files = createFiles();
    const config = files.write(
      'remote.yaml',
      'issuers: [{issuer: https://idp.example, audience: https://api.example, algorithms: [ES256], jwksUrl: http://127.0.0.1:1/jwks, allowInsecure: true}]\n' +
        'txnToken: {trustDomain: inside.example}\nupstreams: {a: {url: http://a}}\nroutes: [{path: /, upstream: a}]\n',
    );
    const result = await watchword(['verify', '-c', config, ...at], files.token());
    expect(result).toMatchObject({ code: 2, out: expect.stringMatching(/^no verdict: keys_unavailable\n/) });
  });

  for (const time of ['now', '', 'NaN', 'Infinity', '-1', '1e9', '2026-01-01', '1767225600000']) {
    test(`B2: --at ${JSON.stringify(time)}`, async () => {
      const { config } = createFiles();
      expect(await watchword(['verify', '-c', config, 'x', `--at=${time}`])).toMatchObject({ code: 2, out: '' });
    });
  }
});

test.each(['Bearer ', 'bearer ', 'Authorization: Bearer '])(
  'a token is read as it stands in a request, behind "%s"',
  async (prefix) => {
    const files = createFiles();
    expect(await watchword(['verify', '-c', files.config, ...at], `${prefix}${files.token()}\n`)).toMatchObject({ code: 0 });
  },
);

describe('refused: exit 1, with the rule and the code', () => {
  // prettier-ignore
  const cases: [name: string, code: keyof typeof ERRORS, make: (files: ReturnType<typeof createFiles>) => string][] = [
    ['not a token', 'token_malformed', () => 'junk'],
    ['two tokens', 'token_ambiguous', (files) => `${files.token()} ${files.token()}`],
    ['an expired token', 'token_expired', (files) => files.token({ exp: NOW - 6 })],
    ['a token from the future', 'token_not_yet_valid', (files) => files.token({ nbf: NOW + 60 })],
    ['another issuer', 'issuer_not_trusted', (files) => files.token({ iss: 'https://evil.example' })],
    ['another audience', 'audience_mismatch', (files) => files.token({ aud: 'https://other.example' })],
    ['an ID token', 'type_not_allowed', (files) => files.token({}, { typ: 'JWT' })],
    ['a missing claim', 'claim_missing', (files) => files.token({ client_id: undefined })],
    ['a changed signature', 'signature_invalid', (files) => files.token().replace(/.{8}$/, 'AAAAAAAA')],
    ['a key that nobody knows', 'key_unknown', (files) => signJws(Buffer.from('{}'), { typ: 'at+jwt' }, generateSigningKey('ES256', files.key.kid + 'x'))],
    ['an algorithm that is not allowed', 'algorithm_not_allowed', () => signJws(Buffer.from('{}'), { typ: 'at+jwt' }, generateSigningKey('ES384', 'k1'))],
    ['a bound token', 'sender_constrained', (files) => files.token({ cnf: { jkt: 'x' } })],
  ];
  for (const [name, code, make] of cases) {
    test(`${name}: ${code}`, async () => {
      const files = createFiles();
      const text = await watchword(['verify', '-c', files.config, ...at], make(files));
      expect(text.code).toBe(1);
      expect(text.out).toMatch(new RegExp(`^refused: ${code}\n`));
      expect(text.out).toContain(ERRORS[code].rule);
      const json = await watchword(['verify', '-c', files.config, ...at, '--json'], make(files));
      expect(json.code).toBe(1);
      expect(JSON.parse(json.out)).toMatchObject({
        accepted: false,
        code,
        rule: ERRORS[code].rule,
        status: ERRORS[code].http,
        stage: 'verify',
      });
    });
  }

  test('a good token that no Txn-Token can be made of', async () => {
    const files = createFiles();
    const result = await watchword(['verify', '-c', files.config, ...at, '--json'], files.token({ scope: undefined }));
    expect(result.code).toBe(1);
    expect(JSON.parse(result.out)).toMatchObject({ accepted: false, stage: 'exchange', code: 'scope_unknown', status: 403 });
  });

  test('what the token says is shown as not verified, and never reaches the terminal as control codes', async () => {
    const files = createFiles();
    const { out } = await watchword(['verify', '-c', files.config, ...at], files.token({ iss: '\u001b[2Jevil\u009b\u202e' }));
    expect(out).toContain('(not verified)');
    // oxlint-disable-next-line no-control-regex -- that is what is looked for
    expect(out).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/);
    expect(out).not.toMatch(/\p{Cf}/u);
  });

  test('time is that of --at on both ends', async () => {
    const files = createFiles();
    const token = files.token();
    const codeAt = async (seconds: number): Promise<number> =>
      (await watchword(['verify', '-c', files.config, '--at', String(seconds)], token)).code;
    expect(await codeAt(NOW + 600 + 4)).toBe(0);
    expect(await codeAt(NOW + 600 + 5)).toBe(1);
    expect((await watchword(['verify', '-c', files.config], token)).code).toBe(Date.now() / 1000 < NOW + 605 ? 0 : 1);
  });
});

describe('accepted: exit 0', () => {
  test('from standard input, with a dash, as an argument, from a file', async () => {
    const files = createFiles();
    const token = files.token();
    const file = files.write('token.txt', `${token}\n`);
    for (const [args, stdin] of [
      [[], `${token}\n`],
      [['-'], token],
      [[token], ''],
      [['--token-file', file], ''],
    ] as const) {
      const result = await watchword(['verify', '-c', files.config, ...at, ...args], stdin);
      expect(result).toMatchObject({ code: 0, err: '' });
      expect(result.out).toMatch(/^accepted\n {2}issuer {7}https:\/\/idp\.example\n {2}key {10}k1 \(ES256\)\n/);
    }
  });

  test('says names of claims, validity, and what the Txn-Token would be', async () => {
    const files = createFiles();
    const token = files.token();
    const { out } = await watchword(['verify', '-c', files.config, ...at, '--json'], token);
    const verdict = JSON.parse(out);
    expect(verdict).toMatchObject({
      accepted: true,
      checkedAt: '2026-01-01T00:00:00.000Z',
      issuer: 'https://idp.example',
      keyId: 'k1',
      algorithm: 'ES256',
      type: 'at+jwt',
      claims: ['aud', 'client_id', 'email', 'exp', 'iat', 'iss', 'jti', 'scope', 'sub'],
      validFrom: null,
      validUntil: '2026-01-01T00:10:05.000Z',
      tokenBytes: token.length,
      txnToken: {
        claims: {
          iat: NOW,
          exp: NOW + 60,
          aud: 'inside.example',
          sub: 'user-1',
          scope: 'orders.read',
          req_wl: 'watchword-gateway',
        },
      },
    });
    expect(verdict.txnToken.bytes).toBeLessThan(450);
    // The token itself is never repeated, and claims that do not travel are named only.
    expect(out).not.toContain(token.split('.')[2]);
    expect(out).not.toContain('secret@example.org');
  });
});
