/** Brings up everything of a run: the service, the store, who tells keys, gateways that accept and gateways that work. */
import { randomBytes } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Child, withChildren } from '../process/child.ts';
import { freePort } from '../process/native.ts';
import { AUDIENCE } from '../tokens/claims.ts';
import { createKeyPair } from '../tokens/key-pair.ts';
import { SCOPE } from './callers.ts';
import type { MeddlerOptions, MeddlerSide } from './meddler.ts';
import type { Configurable } from './reconfigurer.ts';
import type { ServiceOptions } from './service.ts';
import { type Tenant, createTenants } from './tenants.ts';
import { type Victim, gatewayVictim, providerVictim, redisVictim } from './victims.ts';

/** Which queue. */
export type QueueName = 'sqlite' | 'redis';

/** Where a gateway is. */
export interface Address {
  readonly port: number;
  readonly controlPort: number;
}

/** What a run has to work with. */
export interface Stage {
  readonly tenants: readonly Tenant[];
  readonly victims: readonly Victim[];
  /** Where clients find those that accept. */
  readonly doors: readonly Address[];
  readonly gateways: readonly Configurable[];
  readonly sealFile: string;
  /** The service behind them goes away, and comes back. */
  readonly leave: () => Promise<void>;
  readonly comeBack: () => Promise<void>;
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
/** Of what is sent, more than ever becomes a dead letter: one in a hundred is poison. */
const DEAD_SHARE = 0.02;
const DOORS = 2;
const WORKERS = 2;

/** What is set up. */
export interface StagePlan {
  readonly folder: string;
  /** How many will be sent. */
  readonly requests: number;
  readonly queue: QueueName;
  /** Whether somebody stands in between who does what must not happen. */
  readonly isMeddled: boolean;
}

/** Runs `work` with everything up, and ends it all whatever happens. */
export async function withStage<Result>(plan: StagePlan, work: (stage: Stage) => Promise<Result>): Promise<Result> {
  const { folder, queue, requests } = plan;
  const tenants = createTenants();
  const serviceJournal = join(folder, 'service.jsonl');
  const options: ServiceOptions = { journal: serviceJournal, jwk: writeSecrets(folder, tenants) };
  const spec = { name: 'service', script: 'chaos/service.ts', args: [JSON.stringify(options)] };
  return withChildren([spec], async ([service]) => {
    const [redisPort, keysPort] = [await freePort(), await freePort()];
    const keySets = Object.fromEntries(tenants.map(({ name, pair }) => [`/${name}`, { keys: [pair.material.jwk] }]));
    const victims: Victim[] = [providerVictim({ port: keysPort, keySets })];
    if (queue === 'redis') victims.push(redisVictim(redisPort, makeFolder(folder, 'redis')));
    const store = queue === 'redis' ? { redis: `redis://127.0.0.1:${redisPort}` } : { sqlite: join(folder, 'queue.db') };
    const servicePort = await service!.ask<number>('listen', 0);
    const meddlers: Child[] = [];
    const behind = async (side: MeddlerSide, target: number): Promise<number> => {
      if (!plan.isMeddled) return target;
      const meddling: MeddlerOptions = { port: await freePort(), target, side };
      meddlers.push(await Child.start({ name: 'meddler', script: 'chaos/meddler.ts', args: [JSON.stringify(meddling)] }));
      return meddling.port;
    };
    const upstream = `http://127.0.0.1:${await behind('service', servicePort)}`;
    const doors: Address[] = [];
    const gateways: Configurable[] = [];
    const add = async (name: string, concurrency: number): Promise<Address> => {
      const address = { port: await freePort(), controlPort: await freePort() };
      const file = join(folder, `${name}.yaml`);
      const parts = { ...address, store, upstream, concurrency, tenants, keysPort, requests };
      const variant = (number: number): object => configOf(parts, number);
      // YAML takes JSON.
      writeFileSync(file, JSON.stringify(variant(0)));
      victims.push(gatewayVictim(name, concurrency === 0 ? 'accepts' : 'works', file));
      gateways.push({ name, file, controlPort: address.controlPort, variant });
      return address;
    };
    try {
      for (let index = 1; index <= DOORS; index += 1) {
        const door = await add(`door-${index}`, 0);
        doors.push({ ...door, port: await behind('doors', door.port) });
      }
      for (let index = 1; index <= WORKERS; index += 1) await add(`worker-${index}`, 192);
      for (const victim of victims) await victim.start();
      return await work({
        tenants,
        victims,
        doors,
        gateways,
        sealFile: join(folder, 'seal'),
        leave: () => service!.ask('leave'),
        comeBack: () => service!.ask('listen', servicePort),
        service: service!,
        serviceJournal,
      });
    } finally {
      await Promise.all([...victims.map((victim) => victim.kill()), ...meddlers.map((meddler) => meddler.kill())]);
    }
  });
}

/** @returns the public key of the Txn-Tokens */
function writeSecrets(folder: string, tenants: readonly Tenant[]): ServiceOptions['jwk'] {
  const txn = createKeyPair('ES256');
  for (const { name, pair } of tenants)
    writeFileSync(join(folder, `${name}.json`), JSON.stringify({ keys: [pair.material.jwk] }));
  writeFileSync(join(folder, 'txn.pem'), txn.signingKey.export({ format: 'pem', type: 'pkcs8' }), { mode: 0o600 });
  const secrets = [randomBytes(32), randomBytes(32)].map((secret) => secret.toString('base64'));
  writeFileSync(join(folder, 'seal'), `${secrets.join('\n')}\n`, { mode: 0o600 });
  return txn.material.jwk!;
}

function makeFolder(folder: string, name: string): string {
  const path = join(folder, name);
  mkdirSync(path);
  return path;
}

interface ConfigParts extends Address {
  readonly store: object;
  readonly upstream: string;
  readonly concurrency: number;
  readonly tenants: readonly Tenant[];
  readonly keysPort: number;
  readonly requests: number;
}

/** @param number reloads bring others: other connections to the service, other routes */
function configOf(parts: ConfigParts, number: number): object {
  const { port, controlPort, store, upstream, concurrency, tenants, keysPort, requests } = parts;
  const route = { upstream: 'service', verification: 'deferred', scopes: [SCOPE], methods: ['POST'] };
  return {
    listen: { port },
    control: { port: controlPort },
    issuers: tenants.map((tenant) => issuerOf(tenant, keysPort)),
    txnToken: { trustDomain: 'shop.example.com', algorithm: 'ES256', keyFile: 'txn.pem', keyId: 'txn-1' },
    revocation: { log: { sqlite: 'revocations.db' }, staleAfterMs: STALE_MS },
    upstreams: { service: { url: upstream, connections: 64 + (number % 3) } },
    routes: [
      { ...route, path: '/orders/*', maxAgeSeconds: 3600 },
      { ...route, path: '/brief/*', maxAgeSeconds: BRIEF_SECONDS },
      { ...route, path: `/other-${number % 5}/*`, maxAgeSeconds: 60 },
    ],
    deferred: {
      queue: store,
      sealKeyFile: 'seal',
      limits: { ...limitsFor(requests), issuerShare: 0.6, clientShare: 1 },
      worker: { concurrency, leaseSeconds: 2, maxAttempts: MAX_ATTEMPTS },
    },
    log: { level: 'error' },
  };
}

// Small enough that clients are told to come again. Nobody purges dead letters, which stay in the queue, and all outcomes are asked for.
function limitsFor(requests: number): object {
  const most = 100_000 + 2 * requests;
  return { entries: 5000 + Math.ceil(DEAD_SHARE * requests), outcomes: most, unverifiedOutcomes: most };
}

function issuerOf({ name, issuer, isFetched }: Tenant, keysPort: number): object {
  const common = { issuer, audience: AUDIENCE, algorithms: ['ES256'] };
  if (!isFetched) return { ...common, jwksFile: `${name}.json` };
  return { ...common, jwksUrl: `http://127.0.0.1:${keysPort}/${name}`, allowInsecure: true };
}
