import { createHash, randomBytes } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { dirname, join } from 'node:path';
import { loadConfig, startGateway } from '@watchword/gateway';
import { describe, expect, onTestFinished, test } from 'vitest';
import { type TestFiles, createFiles, watchword } from './support.ts';

const ISSUER = 'https://idp.example';
const BASE = ['revoke', '--issuer', ISSUER, '--expires-in', '1h'];

async function startRevoking(
  more = 'revocation: {log: {sqlite: log.db}}\n',
  change: (text: string, folder: string) => string = (text) => text,
) {
  const upstream = createServer((_request, response) => void response.end('ok'));
  await new Promise<void>((resolve) => upstream.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void upstream.close());
  const files: TestFiles = createFiles(more);
  const url = `http://127.0.0.1:${(upstream.address() as AddressInfo).port}`;
  // The file of the tests has a fixed upstream.
  const text = readFileSync(files.config, 'utf8').replace('http://127.0.0.1:1\n', `${url}\n`);
  writeFileSync(files.config, change(text, dirname(files.config)));
  const gateway = await startGateway(loadConfig(files.config));
  onTestFinished(() => gateway.close());
  const now = Math.floor(Date.now() / 1000);
  const call = async (claims: object): Promise<number> => {
    const token = files.token({ iat: now - 10, exp: now + 600, ...claims });
    const response = await fetch(`http://127.0.0.1:${gateway.port}/orders/1`, { headers: { authorization: `Bearer ${token}` } });
    await response.arrayBuffer();
    return response.status;
  };
  return { call, files, gateway: ['--gateway', `http://127.0.0.1:${gateway.controlPort}`], now };
}

describe('revoke', () => {
  test('wrong usage: exit 2, nothing is asked', async () => {
    const nowhere = ['--gateway', 'http://127.0.0.1:1'];
    for (const [args, reason] of [
      [['revoke', '--jti', 'a', '--expires-in', '1h'], '--issuer'],
      [['revoke', '--jti', 'a', '--issuer', ISSUER], '--expires-in'],
      [BASE, 'exactly one of --jti, --sid, --sub and --kid'],
      [[...BASE, '--jti', 'a', '--kid', 'b'], 'exactly one of'],
      [[...BASE, '--sub', 'a'], '--sub and --issued-before go together'],
      [[...BASE, '--jti', 'a', '--issued-before', 'now'], '--sub and --issued-before go together'],
      [[...BASE, '--sub', 'a', '--issued-before', '1767225600000'], 'milliseconds'],
      [[...BASE, '--sub', 'a', '--issued-before', 'yesterday'], 'seconds since 1970'],
      [['revoke', '--issuer', ISSUER, '--jti', 'a', '--expires-in', '1 hour'], 'a time such as'],
      [['revoke', '--issuer', ISSUER, '--jti', 'a', '--expires-in', '0'], 'a time such as'],
      [['revoke', '--issuer', ISSUER, '--jti', 'a', '--expires-in', '9999d'], 'a time such as'],
      [[...BASE, '--jti', 'a', '--gateway', 'file:///etc/passwd'], 'http: URL'],
      [[...BASE, '--jti', 'a', 'extra'], 'too many arguments'],
    ] as const) {
      const result = await watchword((args as readonly string[]).includes('--gateway') ? args : [...args, ...nowhere]);
      expect(result, args.join(' ')).toMatchObject({ code: 2, out: '' });
      expect(result.err, args.join(' ')).toContain(reason);
    }
  });

  test('nobody there, somebody else there, or a gateway without a log: exit 1 and the reason', async () => {
    const silent = await watchword([...BASE, '--jti', 'a', '--gateway', 'http://127.0.0.1:1']);
    expect(silent).toMatchObject({
      code: 1,
      out: '',
      err: expect.stringContaining('not revoked for sure: 127.0.0.1:1 did not answer'),
    });
    const other = createServer((_request, response) => {
      response.writeHead(400, { 'content-type': 'application/json' }).end('{"detail":"\\u001b[31mred"}');
    });
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void other.close());
    const url = `http://127.0.0.1:${(other.address() as AddressInfo).port}`;
    const strange = await watchword([...BASE, '--jti', 'a', '--gateway', url]);
    expect(strange).toEqual({ code: 1, out: '', err: 'watchword: not revoked: ?[31mred\n' });
    const { gateway } = await startRevoking('');
    expect(await watchword([...BASE, '--jti', 'a', ...gateway])).toMatchObject({
      code: 1,
      err: expect.stringContaining('revocation'),
    });
  });

  test('an issuer that the gateway does not trust: exit 1', async () => {
    const { gateway } = await startRevoking();
    const result = await watchword(['revoke', '--issuer', 'https://other', '--jti', 'a', '--expires-in', '60', ...gateway]);
    expect(result).toMatchObject({ code: 1, err: expect.stringContaining('issuer: is neither a trusted issuer nor') });
    const asJson = await watchword(['revoke', '--issuer', 'x', '--jti', 'a', '--expires-in', '60', '--json', ...gateway]);
    expect(asJson.code).toBe(1);
    expect(JSON.parse(asJson.out)).toMatchObject({ revoked: false, status: 400, reason: expect.stringContaining('issuer') });
  });

  test('a gateway with a secret: exit 1 without it or with another one, 0 with it; a file without a secret: exit 2', async () => {
    const secret = randomBytes(32).toString('hex');
    const { call, files, gateway } = await startRevoking('revocation: {log: {memory: true}}\n', (text, folder) => {
      writeFileSync(join(folder, 'operators'), `sha256:${createHash('sha256').update(secret).digest('hex')}\n`);
      return text.replace(/^control: \{/m, 'control: {secretFile: operators, ');
    });
    const write = (content: string): string[] => {
      const file = join(dirname(files.config), 'secret');
      writeFileSync(file, content);
      return ['--secret-file', file];
    };
    const ask = (more: readonly string[]) => watchword([...BASE, '--jti', 'id-1', ...gateway, ...more]);
    expect(await ask([])).toMatchObject({ code: 1, err: expect.stringContaining('The secret of the operators is required') });
    expect((await ask(write('another'))).code).toBe(1);
    for (const content of ['', 'two words', 'sha256:00']) {
      expect(await ask(write(content))).toMatchObject({ code: 2, err: expect.stringContaining('--secret-file') });
    }
    expect((await ask(['--secret-file', '/nowhere'])).code).toBe(2);
    expect(await call({ jti: 'id-1' })).toBe(200);
    const done = await ask(write(`${secret}\n`));
    expect(done.code).toBe(0);
    expect(done.out).not.toContain(secret);
    expect(await call({ jti: 'id-1' })).toBe(401);
  });

  test('D7: what it revokes is refused with the next request', async () => {
    const { call, gateway, now } = await startRevoking();
    const callers = [
      { jti: 'id-1' },
      { jti: 'id-2', sid: 's-2' },
      { jti: 'id-3', sub: 'user-3' },
      { jti: 'id-4', sub: 'user-3', iat: now + 3 },
    ];
    const statuses = (): Promise<number[]> => Promise.all(callers.map((claims) => call(claims)));
    expect(await statuses()).toEqual([200, 200, 200, 200]);
    const result = await watchword([...BASE, '--jti', 'id-1', ...gateway]);
    expect(result).toMatchObject({ code: 0, err: '' });
    expect(result.out).toMatch(/^revoked by jti, remembered until \d{4}-\d\d-\d\dT[\d:.]+Z\n$/);
    expect(await statuses()).toEqual([401, 200, 200, 200]);
    const json = await watchword([...BASE, '--sid', 's-2', '--json', ...gateway]);
    expect(json).toMatchObject({ code: 0, err: '' });
    expect(JSON.parse(json.out)).toEqual({ revoked: true, until: expect.stringMatching(/Z$/) });
    expect(await statuses()).toEqual([401, 401, 200, 200]);
    expect((await watchword([...BASE, '--sub', 'user-3', '--issued-before', 'now', ...gateway])).code).toBe(0);
    expect(await statuses()).toEqual([401, 401, 401, 200]);
    expect((await watchword([...BASE, '--kid', 'k1', ...gateway])).code).toBe(0);
    expect(await statuses()).toEqual([401, 401, 401, 401]);
  });
});

describe('what was revoked is refused by verify too', () => {
  const claims = { iat: Math.floor(Date.now() / 1000) - 10, exp: Math.floor(Date.now() / 1000) + 600, jti: 'token-1' };

  test('by the log of the configuration: exit 1, others stay good', async () => {
    const { gateway, files } = await startRevoking();
    const ask = (token: string) => watchword(['verify', '-c', files.config, '--json'], token);
    const [taken, other] = [files.token(claims), files.token({ ...claims, jti: 'token-2' })];
    expect(await ask(taken)).toMatchObject({ code: 0 });
    expect(await watchword([...BASE, '--jti', 'token-1', ...gateway])).toMatchObject({ code: 0 });
    expect(await ask(taken)).toMatchObject({ code: 1, out: expect.stringContaining('token_revoked') });
    expect(await ask(other)).toMatchObject({ code: 0 });
  });

  test('a log that nobody has made yet holds nothing, and is not made by looking', async () => {
    const files = createFiles('revocation: {log: {sqlite: log.db}}\n');
    expect(await watchword(['verify', '-c', files.config], files.token(claims))).toMatchObject({ code: 0 });
    expect(existsSync(join(files.directory, 'log.db'))).toBe(false);
  });

  test('a log that cannot be read is no verdict: exit 2', async () => {
    const files = createFiles('revocation: {log: {redis: "redis://127.0.0.1:1"}}\n');
    const result = await watchword(['verify', '-c', files.config], files.token(claims));
    expect(result).toMatchObject({ code: 2, out: expect.stringContaining('revocation_unavailable') });
  });
});
