/** The whole gateway on one core: requests of a deferred route, and of one that verifies at once and has no use for its cache. */
import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { WATCHWORD, cpuMsOf, portOf } from '../edge/proxies.ts';
import type { LoadOrder, LoadReport } from '../gateway/load.ts';
import { type Child, withChildren } from '../process/child.ts';
import { canPin, usableCores } from '../process/cores.ts';
import { AUDIENCE, ISSUER } from '../tokens/claims.ts';
import type { KeyPair } from '../tokens/key-pair.ts';

/** Route of a turn, and the status of its answers. */
export const PATHS = { deferred: ['/later/1', '202'], inline: ['/now/1', '200'] } as const;

/** One turn. */
export interface GatewayTurn {
  /** Processor time of the gateway for one request, in microseconds. */
  readonly cpuUs: number;
  readonly perSecond: number;
}

/** Lets the gateway serve one route for a while. @throws Error for any other answer */
export type PlayGateway = (way: keyof typeof PATHS, durationMs: number) => Promise<GatewayTurn>;

const CONNECTIONS = 256;
const CPU_METER = ['--import', join(import.meta.dirname, '../process/cpu-meter.ts')];

/** Runs `work` with a gateway. @param folder on the disk whose syncs count */
export function withGateway<Result>(
  folder: string,
  pair: KeyPair,
  tokenFile: string,
  work: (play: PlayGateway) => Promise<Result>,
): Promise<Result> {
  const [core, others] = canPin() ? usableCores() : [];
  const neighbours = [
    { name: 'upstream', script: 'gateway/upstream.ts', core: others },
    { name: 'load', script: 'gateway/load.ts', core: others },
  ];
  return withChildren(neighbours, async ([upstream, load]) => {
    const config = writeConfig(folder, pair, await upstream!.ask<string>('listen'));
    const gateway = { name: 'gateway', script: WATCHWORD, args: ['gateway', '--config', config], nodeOptions: CPU_METER, core };
    return withChildren([gateway], async ([running]) => {
      const port = await portOf(running!);
      return work((way, durationMs) => play(running!, load!, { port, tokenFile, connections: CONNECTIONS, durationMs }, way));
    });
  });
}

async function play(gateway: Child, load: Child, order: Omit<LoadOrder, 'path'>, way: keyof typeof PATHS): Promise<GatewayTurn> {
  const [path, status] = PATHS[way];
  const before = await cpuMsOf(gateway);
  const { requests, statuses, elapsedMs } = await load.ask<LoadReport>('run', { ...order, path });
  const usedMs = (await cpuMsOf(gateway)) - before;
  if (requests === 0 || statuses[status] !== requests) throw new Error(`${path}: answers ${JSON.stringify(statuses)}`);
  return { cpuUs: (usedMs * 1000) / requests, perSecond: (requests * 1000) / elapsedMs };
}

function writeConfig(folder: string, pair: KeyPair, url: string): string {
  const [config, jwksFile, sealKeyFile] = ['watchword.yaml', 'jwks.json', 'seal-key'].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ];
  writeFileSync(jwksFile, JSON.stringify({ keys: [pair.material.jwk] }));
  writeFileSync(sealKeyFile, randomBytes(32).toString('base64'), { mode: 0o600 });
  const settings = {
    listen: { port: 0 },
    control: { port: 0 },
    issuers: [{ issuer: ISSUER, audience: AUDIENCE, algorithms: [pair.algorithm], jwksFile }],
    txnToken: { trustDomain: 'shop.example.com' },
    // Each token is forgotten before it comes again.
    cache: { maxEntries: 16 },
    // All of them, however many: nothing is refused that the other row would have accepted.
    verification: { adaptive: false },
    upstreams: { orders: { url } },
    deferred: {
      queue: { sqlite: join(folder, 'gateway.db') },
      sealKeyFile,
      limits: { entries: 100_000_000, bytes: 2 ** 40, issuerShare: 1, clientShare: 1 },
      // Others carry out what was accepted.
      worker: { concurrency: 0 },
    },
    routes: [
      { path: '/later/*', upstream: 'orders', verification: 'deferred' },
      { path: '/now/*', upstream: 'orders' },
    ],
    log: { level: 'error' },
  };
  writeFileSync(config, JSON.stringify(settings));
  return config;
}
