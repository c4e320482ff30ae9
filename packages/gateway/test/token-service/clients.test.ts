/** Client authentication (RFC 6749 section 2.3, RFC 7523, RFC 8705): who is not let in. */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { request } from 'node:https';
import { join } from 'node:path';
import { generateSigningKey } from '@watchword/core';
import { describe, expect, test } from 'vitest';
import { ConfigError, createConfig, startTokenService } from '../../src/index.ts';
import { readSecret } from '../../src/token-service/clients/secret.ts';
import { temporaryDirectory } from '../support/identity-provider.ts';
import { SECRET, SIGNER, TTS, assertion, basic, exchangeForm, startTestTokenService } from '../support/token-service.ts';

test('client_secret_basic: wrong secrets, unknown clients, other forms: 401, all with the same words', async () => {
  const service = await startTestTokenService();
  const encoded = Buffer.from(`orders:${SECRET}`).toString('base64');
  const words = new Set<string>();
  for (const authorization of [
    basic('orders', `${SECRET}x`).authorization!,
    basic('orders', SECRET.slice(1)).authorization!,
    basic('nobody').authorization!,
    basic('signer').authorization!,
    basic('__proto__').authorization!,
    `Basic ${Buffer.from(':').toString('base64')}`,
    `Basic ${encoded}!`,
    `Bearer ${encoded}`,
    `Basic ${Buffer.from(`orders%zz:${SECRET}`).toString('base64')}`,
  ]) {
    const { status, body, headers } = await service.exchange({}, { authorization });
    expect([authorization, status, body.error]).toEqual([authorization, 401, 'invalid_client']);
    expect(headers.get('www-authenticate')).toMatch(/^Basic /);
    words.add(body.error_description);
  }
  expect(words.size).toBeLessThanOrEqual(2);
  const none = await service.exchange({}, {});
  expect([none.status, none.headers.get('www-authenticate')]).toEqual([401, null]);
  expect((await service.exchange({ client_id: 'orders', client_secret: SECRET }, {})).status).toBe(401);
  expect((await service.exchange({ client_id: 'orders' }, {})).status).toBe(401);
  // RFC 6749 section 2.3: one way only.
  expect((await service.exchange(assertion(service.clientKey))).body.error).toBe('invalid_request');
  expect((await service.exchange()).status).toBe(200);
});

describe('private_key_jwt', () => {
  test('assertions that are not accepted', async () => {
    const service = await startTestTokenService();
    const { clientKey } = service;
    const now = Math.floor(Date.now() / 1000);
    const form = exchangeForm(service.issuer.token());
    const ask = async (by: Record<string, string>): Promise<number> =>
      (await service.post('/token', { ...form, ...by }, {})).status;
    expect(await ask(assertion(clientKey))).toBe(200);
    expect(await ask(assertion(clientKey, {}, { typ: 'client-authentication+jwt' }))).toBe(200);
    expect(await ask(assertion(clientKey, { aud: `${TTS}/token` }))).toBe(200);
    for (const changes of [
      { iss: 'orders', sub: 'orders' },
      { iss: 'nobody', sub: 'nobody' },
      { sub: 'orders' },
      { aud: 'https://other.example' },
      { aud: [TTS, 'https://other.example'] },
      { aud: undefined },
      { exp: undefined },
      { exp: now - 60 },
      { exp: now + 4000 },
      { iat: now - 400, exp: now + 60 },
      { iat: undefined },
      { jti: undefined },
      { nbf: now + 60 },
    ]) {
      expect([changes, await ask(assertion(clientKey, changes))]).toEqual([changes, 401]);
    }
    expect(await ask(assertion(generateSigningKey('ES256', 'c1')))).toBe(401);
    for (const typ of ['at+jwt', 'txntoken+jwt']) expect(await ask(assertion(clientKey, {}, { typ }))).toBe(401);
    expect(await ask({ ...assertion(clientKey), client_assertion_type: 'other' })).toBe(401);
    expect(await ask({ ...assertion(clientKey), client_id: 'orders' })).toBe(401);
    for (const junk of ['x', 'a.b.c', '..', 'e30.bnVsbA.x'])
      expect(await ask({ ...assertion(clientKey), client_assertion: junk })).toBe(401);
  });

  test.each(['memory', 'sqlite'])('B12: each is good once, also for many at a time: %s', async (kind) => {
    const section = kind === 'memory' ? {} : { replay: { sqlite: join(temporaryDirectory(), 'replay.db') } };
    const service = await startTestTokenService({}, {}, section);
    const once = assertion(service.clientKey);
    const ask = async (): Promise<number> => (await service.post('/introspect', { token: 'x', ...once }, {})).status;
    const statuses = await Promise.all(Array.from({ length: 10 }, ask));
    expect(statuses.filter((status) => status === 200)).toHaveLength(1);
    expect(statuses.filter((status) => status === 401)).toHaveLength(9);
  });
});

test('B12: an assertion is neither good nor bad while nobody can say whether it was used: 503', async () => {
  const service = await startTestTokenService({}, {}, { replay: { redis: 'redis://127.0.0.1:1' } });
  const { status, body } = await service.post('/introspect', { token: 'x', ...assertion(service.clientKey) }, {});
  expect([status, body.error]).toEqual([503, 'temporarily_unavailable']);
  // Who is known otherwise is served.
  expect((await service.post('/introspect', { token: 'x' })).status).toBe(200);
});

test('secrets: only digests are kept; what can be guessed is refused (A15)', () => {
  const digest = createHash('sha256').update(SECRET).digest('hex');
  expect(readSecret(`sha256:${digest}\n`)(SECRET)).toBe(true);
  expect(readSecret(`sha256:${digest}\n`)(digest)).toBe(false);
  expect(readSecret(SECRET)(SECRET)).toBe(true);
  expect(readSecret(SECRET)(`${SECRET} `)).toBe(false);
  for (const bad of ['', 'secret', 'password'.repeat(8), 'sha256:abc']) expect(() => readSecret(bad)).toThrow();
});

test('mutual TLS: the certificate of the configured name, from the configured authority (RFC 8705)', async () => {
  const pki = makePki();
  const config = createConfig({
    control: { port: 0 },
    txnToken: { trustDomain: 'inside.example' },
    tokenService: {
      listen: { port: 0 },
      issuer: TTS,
      tls: { certFile: pki.file('server.pem'), keyFile: pki.file('server.key'), clientCaFile: pki.file('ca.pem') },
      clients: [
        { id: 'mesh', method: 'tls_client_auth', certificate: { sanUri: 'spiffe://inside.example/mesh' } },
        { id: 'named', method: 'tls_client_auth', certificate: { sanDns: 'named.inside.example' } },
      ],
    },
    log: { level: 'silent' },
  });
  const service = await startTokenService(config);
  const ask = (id: string, certificate?: string): Promise<number> =>
    new Promise((resolve, reject) => {
      const files =
        certificate === undefined ? {} : { cert: pki.read(`${certificate}.pem`), key: pki.read(`${certificate}.key`) };
      const sent = request(
        {
          ...files,
          port: service.tokenServicePort,
          host: '127.0.0.1',
          path: '/introspect',
          method: 'POST',
          ca: pki.read('ca.pem'),
          servername: 'server.inside.example',
          agent: false,
          headers: { 'content-type': 'application/x-www-form-urlencoded' },
        },
        (response) => {
          response.resume();
          resolve(response.statusCode!);
        },
      );
      sent.on('error', reject);
      sent.end(`client_id=${id}&token=x`);
    });
  try {
    expect(await ask('mesh', 'mesh')).toBe(200);
    expect(await ask('named', 'named')).toBe(200);
    expect(await ask('named', 'mesh')).toBe(401);
    expect(await ask('mesh', 'named')).toBe(401);
    expect(await ask('mesh')).toBe(401);
    expect(await ask('mesh', 'forged')).toBe(401);
    expect(await ask('nobody', 'mesh')).toBe(401);
  } finally {
    await service.close();
  }
});

test('configurations that are refused, naming the setting', async () => {
  const good = { issuer: TTS, clients: [{ id: 'a', method: 'client_secret_basic', secretFile: 'x' }] };
  for (const [section, reason] of [
    [{ ...good, issuer: 'http://tts.example' }, 'issuer'],
    [{ ...good, issuer: `${TTS}/` }, 'issuer'],
    [{ ...good, clients: [] }, 'must not be empty'],
    [{ ...good, listen: { host: '0.0.0.0' } }, 'needs tls'],
    [{ ...good, clients: [good.clients[0], good.clients[0]] }, 'listed twice'],
    [{ ...good, clients: [{ id: 'a', method: 'client_secret_basic' }] }, 'needs secretFile'],
    [{ ...good, clients: [{ ...SIGNER, jwksFile: 'x', secretFile: 'y' }] }, 'does not go with'],
    [{ ...good, clients: [{ id: 'a', method: 'tls_client_auth', certificate: { sanUri: 'x' } }] }, 'clientCaFile'],
    [{ ...good, replay: { sqlite: 'a', redis: 'redis://h' } }, 'exactly one of sqlite and redis'],
    [{ ...good, maxReplacements: 99 }, 'maxReplacements'],
  ] as const) {
    expect(() => createConfig({ txnToken: { trustDomain: 'd' }, tokenService: section })).toThrow(reason);
  }
  const signs = { id: 'a', method: 'private_key_jwt', jwksFile: 'a.json', workload: 'a', selfSigned: true };
  expect(() => createConfig({ txnToken: { trustDomain: 'd' }, tokenService: { ...good, clients: [signs] } })).toThrow(
    'needs scopes',
  );
  expect(() => createConfig({ tokenService: good })).toThrow('needs the section txnToken');
  const config = createConfig({ control: { port: 0 }, txnToken: { trustDomain: 'd' }, tokenService: good });
  await expect(startTokenService(config)).rejects.toThrow(ConfigError);
});

function makePki(): { file(name: string): string; read(name: string): Buffer } {
  const directory = temporaryDirectory();
  const file = (name: string): string => join(directory, name);
  const run = (...args: string[]): void => void execFileSync('openssl', args, { cwd: directory, stdio: 'ignore' });
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
  for (const ca of ['ca', 'other'])
    run('req', '-x509', ...key, '-keyout', `${ca}.key`, '-out', `${ca}.pem`, '-days', '2', '-subj', `/CN=${ca}`);
  const names = {
    server: 'DNS:server.inside.example',
    mesh: 'URI:spiffe://inside.example/mesh',
    named: 'DNS:named.inside.example',
    forged: 'URI:spiffe://inside.example/mesh',
  };
  for (const [name, san] of Object.entries(names)) {
    const ca = name === 'forged' ? 'other' : 'ca';
    run('req', ...key, '-keyout', `${name}.key`, '-out', `${name}.csr`, '-subj', `/CN=${name}`);
    writeFileSync(file('ext'), `subjectAltName=${san}\n`);
    run(
      'x509',
      '-req',
      '-in',
      `${name}.csr`,
      '-CA',
      `${ca}.pem`,
      '-CAkey',
      `${ca}.key`,
      '-CAcreateserial',
      '-days',
      '2',
      '-extfile',
      'ext',
      '-out',
      `${name}.pem`,
    );
  }
  return { file, read: (name) => readFileSync(file(name)) };
}
