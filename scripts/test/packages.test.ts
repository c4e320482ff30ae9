/** The packed tarballs, installed into an empty folder and used from there, as a stranger would. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

const root = resolve(import.meta.dirname, '../..');
const PUBLISHED = [
  'core',
  'redis',
  'http',
  'fastify',
  'express',
  'fetch',
  'http2',
  'grpc',
  'deferred',
  'kafka',
  'nats',
  'amqp',
  'bullmq',
  'planner',
  'gateway',
  'cli',
  'dashboard',
];
const folder = mkdtempSync(join(tmpdir(), 'watchword-packages-'));
const project = join(folder, 'project');

beforeAll(() => {
  const workspaces = PUBLISHED.flatMap((name) => ['-w', `${name === 'dashboard' ? 'apps' : 'packages'}/${name}`]);
  npm(root, 'pack', '--silent', '--pack-destination', folder, ...workspaces);
  const tarballs = readdirSync(folder).filter((file) => file.endsWith('.tgz'));
  expect(tarballs).toHaveLength(PUBLISHED.length);
  mkdirSync(project);
  writeFileSync(join(project, 'package.json'), JSON.stringify({ name: 'stranger', private: true, type: 'module' }));
  npm(
    project,
    'install',
    '--prefer-offline',
    ...tarballs.map((file) => join(folder, file)),
    'fastify@5',
    'express@5',
    'undici@8',
  );
}, 240_000);

afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('a project that installed the tarballs', () => {
  test('gets only what is meant to be published', () => {
    for (const name of PUBLISHED) {
      const entries = readdirSync(join(project, 'node_modules', name === 'cli' ? 'watchword' : `@watchword/${name}`));
      expect(entries).toEqual(expect.arrayContaining(['LICENSE', 'README.md', 'dist', 'package.json']));
      expect(entries).not.toContain('src');
      expect(entries).not.toContain('test');
    }
    const dashboard = join(project, 'node_modules/@watchword/dashboard/dist');
    expect(readdirSync(dashboard)).toContain('page');
    expect(readdirSync(join(dashboard, 'page'))).toContain('index.html');
  });

  test('core has no dependencies', () => {
    const manifest = JSON.parse(readFileSync(join(project, 'node_modules/@watchword/core/package.json'), 'utf8')) as object;
    expect(manifest).not.toHaveProperty('dependencies');
    expect(manifest).not.toHaveProperty('peerDependencies');
  });

  test('verifies, mints, guards and propagates', () => {
    writeFileSync(join(project, 'use.js'), PROGRAM);
    const { status, stdout, stderr } = spawnSync(process.execPath, ['use.js'], {
      cwd: project,
      encoding: 'utf8',
      timeout: 60_000,
    });
    expect(stderr).toBe('');
    expect(stdout.trim().split('\n')).toEqual([
      'fastify 200 user-1',
      'fastify 401',
      'express 200 user-1',
      'http 200 user-1',
      'carried true',
    ]);
    expect(status).toBe(0);
  });

  test('has the command', () => {
    const help = spawnSync(join(project, 'node_modules/.bin/watchword'), ['--help'], { encoding: 'utf8', env: withThisNode() });
    expect(help.status).toBe(0);
    expect(help.stdout).toContain('gateway');
    expect(help.stdout).toContain('verify');
  });

  test('type-checks against the published types', () => {
    writeFileSync(join(project, 'use.ts'), TYPED_PROGRAM);
    const options = ['--noEmit', '--strict', '--module', 'nodenext', '--target', 'es2023', '--types', 'node', '--typeRoots'];
    const tsc = spawnSync(join(root, 'node_modules/.bin/tsc'), [...options, join(root, 'node_modules/@types'), 'use.ts'], {
      cwd: project,
      encoding: 'utf8',
      env: withThisNode(),
    });
    expect(tsc.stdout).toBe('');
    expect(tsc.status).toBe(0);
  }, 60_000);
});

// The interpreter that runs the tests, for scripts that start with `env node`.
function withThisNode(): NodeJS.ProcessEnv {
  return { ...process.env, PATH: `${join(root, 'node_modules/.bin')}:${process.env.PATH}` };
}

function npm(cwd: string, ...args: string[]): string {
  return execFileSync('npm', args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'], timeout: 300_000 });
}

const PROGRAM = `
import { createServer } from 'node:http';
import { once } from 'node:events';
import express from 'express';
import Fastify from 'fastify';
import * as core from '@watchword/core';
import { watchword as forExpress, watchwordErrors } from '@watchword/express';
import { watchword as forFastify } from '@watchword/fastify';
import { createFetch } from '@watchword/fetch';
import { protect } from '@watchword/http';
import { growthTable } from '@watchword/planner';
import { parseConfig } from '@watchword/gateway';
import * as amqp from '@watchword/amqp';
import * as bullmq from '@watchword/bullmq';
import * as kafka from '@watchword/kafka';
import * as nats from '@watchword/nats';

for (const carrier of [amqp, bullmq, kafka, nats]) {
  if (typeof carrier.propagate !== 'function') throw new Error('a package exports nothing');
}
if (typeof growthTable !== 'function' || typeof parseConfig !== 'function') throw new Error('a package exports nothing');
const trustDomain = 'shop.internal';
const key = core.generateSigningKey();
const issuer = 'https://login.example.com';
const now = Math.floor(Date.now() / 1000);
const external = core.signJws(
  Buffer.from(JSON.stringify({ iss: issuer, aud: 'api', sub: 'user-1', client_id: 'c', jti: 'j', iat: now, exp: now + 60, scope: 'read' })),
  { typ: 'at+jwt' },
  key,
);
const verifier = core.createVerifier({
  issuers: [{ issuer, audience: 'api', algorithms: ['ES256'], keys: core.createLocalKeys({ issuer, algorithms: ['ES256'], jwks: { keys: [key.publicJwk()] } }) }],
});
const minter = core.createTxnMinter({ trustDomain, key, requestingWorkload: 'test' });
const token = minter.mint({ subject: await verifier.verify(external) });
const keys = core.createLocalKeys({ issuer: trustDomain, algorithms: ['ES256'], jwks: minter.jwks() });
const pipeline = core.createTxnPipeline({ trustDomain, keys });
const ask = (port, headers) => fetch('http://127.0.0.1:' + port, { headers });

const fastify = Fastify();
await fastify.register(forFastify, { pipeline });
fastify.get('/', async () => core.currentIdentity().subject);
await fastify.listen({ port: 0, host: '127.0.0.1' });
const fastifyPort = fastify.server.address().port;
const good = await ask(fastifyPort, { 'txn-token': token });
console.log('fastify', good.status, await good.text());
console.log('fastify', (await ask(fastifyPort, {})).status);
await fastify.close();

const app = express().use(forExpress(pipeline)).get('/', (_req, res) => res.send(core.currentIdentity().subject)).use(watchwordErrors());
const expressServer = app.listen(0, '127.0.0.1');
await once(expressServer, 'listening');
const fromExpress = await ask(expressServer.address().port, { 'txn-token': token });
console.log('express', fromExpress.status, await fromExpress.text());

const downstream = createServer((req, res) => res.end(req.headers['txn-token'])).listen(0, '127.0.0.1');
await once(downstream, 'listening');
const target = 'http://127.0.0.1:' + downstream.address().port;
const call = createFetch(core.createPropagator({ destinations: [target] }));
let carried;
const plain = createServer(protect(pipeline, async (_req, res) => {
  carried = (await (await call(target)).text()) === token;
  res.end(core.currentIdentity().subject);
})).listen(0, '127.0.0.1');
await once(plain, 'listening');
const fromPlain = await ask(plain.address().port, { 'txn-token': token });
console.log('http', fromPlain.status, await fromPlain.text());
console.log('carried', carried);
for (const server of [expressServer, downstream, plain]) server.closeAllConnections(), server.close();
`;

const TYPED_PROGRAM = `
import { type Identity, type Verifier, createMessageGuard, createRemoteKeys, createTxnPipeline, currentIdentity } from '@watchword/core';
import { watchword } from '@watchword/fastify';
import { guardJobs } from '@watchword/bullmq';
import { guardMessages } from '@watchword/kafka';
import type { Processor } from 'bullmq';
import Fastify from 'fastify';
import type { EachMessageHandler } from 'kafkajs';

const keys = createRemoteKeys({ issuer: 'shop.internal', url: 'https://gateway.example/jwks', algorithms: ['ES256'] });
const app = Fastify();
await app.register(watchword, { pipeline: createTxnPipeline({ trustDomain: 'shop.internal', keys }) });
app.get('/', { config: { watchword: { scopes: ['read'] } } }, (request): string => {
  const identity: Identity = currentIdentity();
  // @ts-expect-error claims can't be changed
  identity.claims.sub = 'somebody else';
  return request.identity?.subject ?? identity.subject;
});
export type { Verifier };

const guard = createMessageGuard({ pipeline: createTxnPipeline({ trustDomain: 'shop.internal', keys }), topics: { orders: {} } });
export const eachMessage: EachMessageHandler = guardMessages(guard, { deadLetter: 'skip' }, (_payload, identity) => identity?.subject);
// @ts-expect-error what becomes of dead letters must be said
guardMessages(guard, {}, () => undefined);
export const processor: Processor = guardJobs(guard, () => 'done');
`;
