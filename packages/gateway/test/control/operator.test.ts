/** Who may change something through the control listener. */
import { createHash, randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { writeFileSync } from 'node:fs';
import { beforeEach, describe, expect, test } from 'vitest';
import { createConfig } from '../../src/index.ts';
import { inspectFiles } from '../../src/inspect-files.ts';
import { type RevokingEdge, byJti, startRevokingEdge } from '../support/revoking.ts';
import { startReloadingEdge } from '../support/reloading.ts';
import { temporaryDirectory } from '../support/identity-provider.ts';

const SECRET = randomBytes(32).toString('hex');
const JSON_BODY = { 'content-type': 'application/json' };
let secretFile: string;

beforeEach(() => {
  secretFile = join(temporaryDirectory(), 'operators');
  writeFileSync(secretFile, `${SECRET}\n`);
});

const start = (overrides: object = {}): Promise<RevokingEdge> =>
  startRevokingEdge({ sqlite: join(temporaryDirectory(), 'log.db') }, { control: { port: 0, secretFile }, ...overrides });

function ask(edge: RevokingEdge, path: string, headers: Record<string, string>): Promise<Response> {
  return fetch(`${edge.control}${path}`, { method: 'POST', headers, body: JSON.stringify(byJti('id-1')) });
}

describe.each([1, 2])('control.secretFile, %i threads', (threads) => {
  test('whoever does not bear the secret changes nothing: 401 with a challenge, the same whatever was borne', async () => {
    const edge = await start({ threads });
    const token = edge.issuer.token({ jti: 'id-1' });
    expect(await edge.call(token)).toBe(200);
    const wrong = [
      {},
      { authorization: '' },
      { authorization: 'Bearer' },
      { authorization: 'Bearer ' },
      { authorization: `Bearer ${SECRET.slice(1)}` },
      { authorization: `Bearer ${SECRET}0` },
      { authorization: `Bearer ${SECRET} ${SECRET}` },
      { authorization: `Bearer ${SECRET}, Bearer ${SECRET}` },
      { authorization: `Basic ${SECRET}` },
      { authorization: SECRET },
      { authorization: `Bearer ${token}` },
      { 'x-authorization': `Bearer ${SECRET}` },
    ];
    const answers = new Set<string>();
    for (const path of ['/revocations', '/reload']) {
      for (const headers of wrong) {
        const response = await ask(edge, path, { ...JSON_BODY, ...headers });
        expect(response.status, JSON.stringify(headers)).toBe(401);
        expect(response.headers.get('www-authenticate')).toBe('Bearer realm="watchword control"');
        answers.add(await response.text());
      }
    }
    expect(answers.size).toBe(1);
    for (let times = 0; times < 5; times += 1) expect(await edge.call(token)).toBe(200);
  });

  test('whoever bears it is heard; everybody may look', async () => {
    const edge = await start({ threads });
    const token = edge.issuer.token({ jti: 'id-1' });
    expect((await ask(edge, '/revocations', { ...JSON_BODY, authorization: `bearer ${SECRET}` })).status).toBe(201);
    await expect.poll(() => edge.call(token), { timeout: 20_000 }).toBe(401);
    // It has no file to read again.
    expect((await ask(edge, '/reload', { authorization: `Bearer ${SECRET}` })).status).not.toBe(401);
    for (const path of ['/healthz', '/readyz', '/metrics', '/.well-known/jwks.json']) {
      expect((await fetch(`${edge.control}${path}`)).status, path).toBe(200);
    }
    expect(JSON.stringify(edge.logs)).not.toContain(SECRET);
  });
});

test.each([1, 2])(
  'a reload takes the secret that is in the file now, or none of the new configuration; %i threads',
  async (threads) => {
    const edge = await startReloadingEdge('http://127.0.0.1:1', { threads, control: { port: 0, secretFile } });
    const reload = async (secret: string): Promise<number> => {
      const headers = { authorization: `Bearer ${secret}` };
      return (await fetch(`${edge.control}/reload`, { method: 'POST', headers })).status;
    };
    const next = randomBytes(32).toString('base64url');
    writeFileSync(secretFile, 'a8f1c3');
    expect([await reload(SECRET), await reload('a8f1c3')]).toEqual([422, 401]);
    writeFileSync(secretFile, next);
    // Not before it is asked for.
    expect(await reload(next)).toBe(401);
    expect([await reload(SECRET), await reload(SECRET), await reload(next)]).toEqual([200, 401, 200]);
  },
);

test('a file with the digest is as good', async () => {
  writeFileSync(secretFile, `sha256:${createHash('sha256').update(SECRET).digest('hex')}\n`);
  const edge = await start();
  expect((await ask(edge, '/revocations', { ...JSON_BODY, authorization: `Bearer ${SECRET}` })).status).toBe(201);
});

test('web pages and their like are refused with it too', async () => {
  const edge = await start();
  const headers = { ...JSON_BODY, authorization: `Bearer ${SECRET}`, origin: 'https://intruder.example' };
  expect((await ask(edge, '/revocations', headers)).status).toBe(403);
});

test.each([
  ['is empty', ' \n', /secretFile: is empty/],
  ['A15: can be guessed', 'correct-horse-battery-staple-0123456789', /secretFile: /],
  ['A15: is short', 'a8f1c3', /secretFile: /],
  ['nobody can bear: a comma', 'k7,Qz9vT4mXw2Lr8BnY6cHd3JfUe5GsAo1Pi', /secretFile: must be printable ASCII/],
  ['nobody can bear: two lines', 'k7Qz9vT4mXw2Lr8B\nnY6cHd3JfUe5GsAo1Pi', /secretFile: must be printable ASCII/],
  ['nobody can bear: a letter beyond ASCII', 'k7üQz9vT4mXw2Lr8BnY6cHd3JfUe5GsAo1Pi', /secretFile: must be printable ASCII/],
  ['is half a digest', 'sha256:00', /secretFile: is not a SHA-256 digest/],
  ['is not there', undefined, /secretFile: cannot be read \(ENOENT\)/],
])('E13: a secret that %s stops start-up, and is found before', async (_, content, reason) => {
  if (content === undefined) secretFile = '/nowhere/operators';
  else writeFileSync(secretFile, content);
  const error = await start().then(
    () => undefined,
    (thrown: Error) => thrown,
  );
  expect(error?.message).toMatch(reason);
  if (content?.trim()) expect(error?.message).not.toContain(content);
  const config = createConfig({
    control: { secretFile },
    upstreams: { main: { url: 'http://127.0.0.1:1' } },
    routes: [{ path: '/', upstream: 'main', public: true }],
  });
  expect(inspectFiles(config).map((issue) => issue.path)).toEqual(['control.secretFile']);
});
