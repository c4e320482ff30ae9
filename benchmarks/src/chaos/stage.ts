/** Brings up everything of a run: the service, the store, gateways that accept and gateways that work. */
import { randomBytes } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Child, withChildren } from '../process/child.ts';
import { freePort } from '../process/native.ts';
import { AUDIENCE, ISSUER } from '../tokens/claims.ts';
import { type KeyPair, createKeyPair } from '../tokens/key-pair.ts';
import { SCOPE } from './callers.ts';
import type { ServiceOptions } from './service.ts';
import { type Victim, gatewayVictim, redisVictim } from './victims.ts';

/** Which queue. */
export type QueueName = 'sqlite' | 'redis';

/** Where a gateway is. */
export interface Address {
  readonly port: number;
  readonly controlPort: number;
}

/** What a run has to work with. */
export interface Stage {
  readonly pair: KeyPair;
  readonly victims: readonly Victim[];
  /** Of those that accept. */
  readonly doors: readonly Address[];
  readonly service: Child;
  /** Where the service writes. */
  readonly serviceJournal: string;
}

/** After that a request on the route of the brief ones is too old. */
export const BRIEF_SECONDS = 2;
/** How long a revocation may be unknown to a worker. */
export const STALE_MS = 2000;
/** How often a request is tried: dead letters come within a few seconds. */
const MAX_ATTEMPTS = 4;
const DOORS = 2;
const WORKERS = 2;

/** Runs `work` with everything up, and ends it all whatever happens. */
export async function withStage<Result>(
  folder: string,
  queue: QueueName,
  work: (stage: Stage) => Promise<Result>,
): Promise<Result> {
  const pair = createKeyPair('ES256');
  const serviceJournal = join(folder, 'service.jsonl');
  const options: ServiceOptions = { journal: serviceJournal, jwk: writeSecrets(folder, pair) };
  const spec = { name: 'service', script: 'chaos/service.ts', args: [JSON.stringify(options)] };
  return withChildren([spec], async ([service]) => {
    const redisPort = await freePort();
    const victims: Victim[] = queue === 'redis' ? [redisVictim(redisPort, makeFolder(folder, 'redis'))] : [];
    const store = queue === 'redis' ? { redis: `redis://127.0.0.1:${redisPort}` } : { sqlite: join(folder, 'queue.db') };
    const upstream = `http://127.0.0.1:${await service!.ask<number>('listen')}`;
    const doors: Address[] = [];
    const add = async (name: string, concurrency: number): Promise<Address> => {
      const address = { port: await freePort(), controlPort: await freePort() };
      const file = join(folder, `${name}.yaml`);
      // YAML takes JSON.
      writeFileSync(file, JSON.stringify(configOf(address, store, upstream, concurrency)));
      victims.push(gatewayVictim(name, concurrency === 0 ? 'accepts' : 'works', file));
      return address;
    };
    for (let index = 1; index <= DOORS; index += 1) doors.push(await add(`door-${index}`, 0));
    for (let index = 1; index <= WORKERS; index += 1) await add(`worker-${index}`, 192);
    try {
      for (const victim of victims) await victim.start();
      return await work({ pair, victims, doors, service: service!, serviceJournal });
    } finally {
      await Promise.all(victims.map((victim) => victim.kill()));
    }
  });
}

/** @returns the public key of the Txn-Tokens */
function writeSecrets(folder: string, pair: KeyPair): ServiceOptions['jwk'] {
  const txn = createKeyPair('ES256');
  writeFileSync(join(folder, 'jwks.json'), JSON.stringify({ keys: [pair.material.jwk] }));
  writeFileSync(join(folder, 'txn.pem'), txn.signingKey.export({ format: 'pem', type: 'pkcs8' }), { mode: 0o600 });
  writeFileSync(join(folder, 'seal'), randomBytes(32).toString('base64'), { mode: 0o600 });
  return txn.material.jwk!;
}

function makeFolder(folder: string, name: string): string {
  const path = join(folder, name);
  mkdirSync(path);
  return path;
}

function configOf({ port, controlPort }: Address, queue: object, upstream: string, concurrency: number): object {
  const route = { upstream: 'service', verification: 'deferred', scopes: [SCOPE], methods: ['POST'] };
  return {
    listen: { port },
    control: { port: controlPort },
    issuers: [{ issuer: ISSUER, audience: AUDIENCE, algorithms: ['ES256'], jwksFile: 'jwks.json' }],
    txnToken: { trustDomain: 'shop.example.com', algorithm: 'ES256', keyFile: 'txn.pem', keyId: 'txn-1' },
    revocation: { log: { sqlite: 'revocations.db' }, staleAfterMs: STALE_MS },
    upstreams: { service: { url: upstream } },
    routes: [
      { ...route, path: '/orders/*', maxAgeSeconds: 3600 },
      { ...route, path: '/brief/*', maxAgeSeconds: BRIEF_SECONDS },
    ],
    deferred: {
      queue,
      sealKeyFile: 'seal',
      // Small enough that clients are told to come again.
      limits: { entries: 5000, issuerShare: 1, clientShare: 1 },
      worker: { concurrency, leaseSeconds: 2, maxAttempts: MAX_ATTEMPTS },
    },
    log: { level: 'error' },
  };
}
