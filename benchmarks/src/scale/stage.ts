/** Brings up Redis, the service, gateways and HAProxy with the configuration of `deploy/haproxy`. */
import { randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { WATCHWORD } from '../edge/proxies.ts';
import { Child, fromSource, withChildren } from '../process/child.ts';
import { NativeServer, freePort } from '../process/native.ts';
import { AUDIENCE, ISSUER } from '../tokens/claims.ts';
import type { KeyPair } from '../tokens/key-pair.ts';
import type { Balancing } from './plan.ts';

/** What several machines share, and the service behind them. */
export interface Ground {
  readonly folder: string;
  readonly pair: KeyPair;
  readonly redisPort: number;
  readonly upstreamUrl: string;
}

/** One gateway. */
export interface Instance {
  readonly process: Child;
  readonly controlPort: number;
}

/** Gateways behind HAProxy. */
export interface Fleet {
  /** Port of HAProxy. */
  readonly port: number;
  readonly instances: Instance[];
  /** Starts one again that has ended, on the same ports. */
  restart(index: number): Promise<void>;
}

/** Runs `work` with a Redis server and a service. */
export async function withGround<Result>(
  folder: string,
  pair: KeyPair,
  work: (ground: Ground) => Promise<Result>,
): Promise<Result> {
  const redisPort = await freePort();
  const args = ['--port', `${redisPort}`, '--bind', '127.0.0.1', '--save', '', '--appendonly', 'yes', '--dir', folder];
  const redis = await NativeServer.start({
    name: 'redis-server',
    command: 'redis-server',
    args,
    port: redisPort,
    core: undefined,
  });
  try {
    writeFileSync(join(folder, 'signing-keys.secret'), randomBytes(32).toString('base64'));
    writeFileSync(join(folder, 'jwks.json'), JSON.stringify({ keys: [pair.material.jwk] }));
    return await withChildren([{ name: 'service', script: 'gateway/upstream.ts' }], async ([upstream]) =>
      work({ folder, pair, redisPort, upstreamUrl: await upstream!.ask<string>('listen') }),
    );
  } finally {
    await redis.stop();
  }
}

/** Runs `work` with gateways behind HAProxy. */
export async function withFleet<Result>(
  ground: Ground,
  size: number,
  balancing: Balancing,
  cacheEntries: number,
  work: (fleet: Fleet) => Promise<Result>,
): Promise<Result> {
  const ports = await Promise.all(Array.from({ length: size }, async () => [await freePort(), await freePort()] as const));
  const start = async (index: number): Promise<Instance> => startGateway(ground, index, ports[index]!, cacheEntries);
  const instances: Instance[] = [];
  let balancer: NativeServer | undefined;
  try {
    for (const index of ports.keys()) instances.push(await start(index));
    balancer = await startBalancer(ground, balancing, ports);
    const restart = async (index: number): Promise<void> => {
      instances[index] = await start(index);
    };
    return await work({ port: balancer.port, instances, restart });
  } finally {
    await balancer?.stop();
    await Promise.all(instances.map(({ process }) => process.stop()));
  }
}

async function startGateway(
  ground: Ground,
  index: number,
  [port, control]: readonly [number, number],
  cacheEntries: number,
): Promise<Instance> {
  const { folder, redisPort, upstreamUrl } = ground;
  const redis = `redis://127.0.0.1:${redisPort}`;
  const config = join(folder, `gateway-${index}.yaml`);
  // YAML takes JSON. What differs from deploy/haproxy/watchword.yaml: ports, where the keys of the issuer are, the size of the cache.
  writeFileSync(
    config,
    JSON.stringify({
      listen: { port },
      control: { port: control },
      trustedProxies: ['127.0.0.1'],
      issuers: [{ issuer: ISSUER, audience: AUDIENCE, algorithms: [ground.pair.algorithm], jwksFile: 'jwks.json' }],
      txnToken: { trustDomain: 'shop.example.com', keys: { store: { redis }, encryptionKeyFile: 'signing-keys.secret' } },
      revocation: { log: { redis } },
      cache: { maxEntries: cacheEntries },
      upstreams: { orders: { url: upstreamUrl } },
      routes: [{ path: '/orders/*', upstream: 'orders', scopes: ['orders.read'] }],
      log: { level: 'error' },
    }),
  );
  const process = await Child.start({
    name: `gateway ${index + 1}`,
    script: WATCHWORD,
    args: ['gateway', '--config', config],
    nodeOptions: ['--import', fromSource('process/cpu-meter.ts')],
  });
  await process.written(/listens on/);
  await ready(control);
  return { process, controlPort: control };
}

async function startBalancer(
  ground: Ground,
  balancing: Balancing,
  ports: readonly (readonly [number, number])[],
): Promise<NativeServer> {
  const port = await freePort();
  const shipped = readFileSync(join(import.meta.dirname, '../../../deploy/haproxy/haproxy.cfg'), 'utf8');
  const servers = ports.map(([own, control], index) => `  server gateway-${index + 1} 127.0.0.1:${own} port ${control}`);
  const config = shipped
    .replace('bind 127.0.0.1:8080', `bind 127.0.0.1:${port}`)
    .replace(/( {2}server .*\n)+/, `${servers.join('\n')}\n`)
    .replace('balance hdr(Authorization)', balancing === 'in turns' ? 'balance roundrobin' : 'balance hdr(Authorization)');
  const file = join(ground.folder, 'haproxy.cfg');
  writeFileSync(file, config);
  const server = await NativeServer.start({
    name: 'HAProxy',
    command: 'haproxy',
    args: ['-db', '-f', file],
    port,
    core: undefined,
  });
  return server;
}

async function ready(controlPort: number): Promise<void> {
  const deadline = Date.now() + 10_000;
  for (;;) {
    const response = await fetch(`http://127.0.0.1:${controlPort}/readyz`).catch(() => undefined);
    await response?.arrayBuffer();
    if (response?.ok) return;
    if (Date.now() > deadline) throw new Error('A gateway did not get ready');
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
