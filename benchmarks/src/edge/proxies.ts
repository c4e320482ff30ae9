/** Brings up the proxies of the comparison and the service behind them, each with its configuration from `config/edge`. */
import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type { FastifyProxySettings } from '../gateway/fastify-proxy.ts';
import { type Child, fromSource } from '../process/child.ts';
import type { Core } from '../process/cores.ts';
import { NativeServer, freePort } from '../process/native.ts';
import { AUDIENCE, ISSUER } from '../tokens/claims.ts';
import type { KeyPair } from '../tokens/key-pair.ts';
import type { EdgeAlgorithm } from './plan.ts';

/** A proxy that listens. */
export interface Proxy {
  readonly port: number;
  /** Processor time of everything that it consists of, in milliseconds. */
  cpuMs(): Promise<number>;
}

/** What all of them are started with. */
export interface Surroundings {
  readonly folder: string;
  readonly core: Core | undefined;
  readonly upstreamPort: number;
  readonly pair: KeyPair;
}

/** nginx, as a service that answers at once. @param niceness how far it gives way to others */
export async function startUpstream(folder: string, core: Core | undefined, niceness = 0): Promise<NativeServer> {
  const port = await freePort();
  const file = fill(folder, 'upstream.conf', { PORT: port, FOLDER: folder });
  const args = ['-n', String(niceness), 'nginx', '-p', folder, '-c', file];
  return NativeServer.start({ name: 'upstream', command: 'nice', args, port, core });
}

/** nginx, with and without `auth_request`. */
export async function startNginx(around: Surroundings, decisionPort: number): Promise<NativeServer> {
  const { folder, core, upstreamPort } = around;
  const port = await freePort();
  const values = { PORT: port, FOLDER: folder, UPSTREAM_PORT: upstreamPort, DECISION_PORT: decisionPort };
  const file = fill(folder, 'nginx.conf', values);
  return NativeServer.start({ name: 'nginx', command: 'nginx', args: ['-p', folder, '-c', file], port, core });
}

/** HAProxy, with `jwt_verify`. */
export async function startHaproxy({ folder, core, upstreamPort, pair }: Surroundings): Promise<NativeServer> {
  const port = await freePort();
  const pem = join(folder, 'issuer.pem');
  writeFileSync(pem, pair.material.pem!);
  const file = fill(folder, 'haproxy.cfg', {
    PORT: port,
    UPSTREAM_PORT: upstreamPort,
    ALGORITHM: pair.algorithm,
    PEM_FILE: pem,
    ISSUER,
    AUDIENCE,
  });
  return NativeServer.start({ name: 'HAProxy', command: 'haproxy', args: ['-db', '-f', file], port, core });
}

/** Where the command line of Watchword is. */
export const WATCHWORD = join(dirname(createRequire(import.meta.url).resolve('watchword/package.json')), 'dist/main.js');

/** Writes a configuration of Watchword and returns its name. @param port of the decision service */
export function writeWatchwordConfig(
  { folder, upstreamPort, pair }: Surroundings,
  template: 'watchword.yaml' | 'decisions.yaml',
  { port = 0, threads = 1 }: { readonly port?: number; readonly threads?: number } = {},
): string {
  const jwksFile = join(folder, 'jwks.json');
  writeFileSync(jwksFile, JSON.stringify({ keys: [pair.material.jwk] }));
  const upstream = `http://127.0.0.1:${upstreamPort}`;
  const values = { JWKS_FILE: JSON.stringify(jwksFile), UPSTREAM_URL: upstream, PORT: port, THREADS: threads };
  return fill(folder, template, values, `${threads}-${template}`);
}

/** The port that a gateway says it listens on. */
export async function portOf(watchword: Child): Promise<number> {
  return Number((await watchword.written(/listens on http:\/\/127\.0\.0\.1:(\d+)/))[1]);
}

/** Starts the rival on Node in a process that is already there. */
export async function listenFastify(fastify: Child, { upstreamPort, pair }: Surroundings, tokens: number): Promise<number> {
  const settings: FastifyProxySettings = {
    upstream: `http://127.0.0.1:${upstreamPort}`,
    algorithm: pair.algorithm as EdgeAlgorithm,
    pem: pair.material.pem!,
    issuer: ISSUER,
    audience: AUDIENCE,
    cacheEntries: 2 * tokens,
  };
  return Number(new URL(await fastify.ask<string>('listen', settings)).port);
}

/** Processor time of a process that answers questions. */
export async function cpuMsOf(child: Child): Promise<number> {
  const { user, system } = await child.ask<NodeJS.CpuUsage>('cpu');
  return (user + system) / 1000;
}

function fill(folder: string, template: string, values: Readonly<Record<string, string | number>>, name = template): string {
  const text = readFileSync(fromSource(`../config/edge/${template}`), 'utf8');
  const file = join(folder, name);
  writeFileSync(
    file,
    text.replaceAll(/\$\{([A-Z_]+)\}/g, (_match, key: string) => {
      if (!(key in values)) throw new Error(`${template}: nothing fills in ${key}`);
      return String(values[key]);
    }),
  );
  return file;
}
