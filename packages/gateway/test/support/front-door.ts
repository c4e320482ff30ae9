/** Real proxies that ask the decision service, with the very files that `deploy/` ships; only ports are put in. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { onTestFinished } from 'vitest';
import { parse } from 'yaml';
import { type TestEdge, startEdge } from './edge.ts';
import { temporaryDirectory } from './identity-provider.ts';
import { type TestUpstream, startUpstream } from './upstream.ts';

export type ProxyName = 'nginx' | 'caddy';

/** Whether it can be run here. */
export function hasProxy(name: ProxyName): boolean {
  return spawnSync('sh', ['-c', 'command -v "$0"', name], { stdio: 'ignore' }).status === 0;
}

export function readDeployed(path: string): string {
  return readFileSync(new URL(`../../../../deploy/${path}`, import.meta.url), 'utf8');
}

/** The shipped configuration of Watchword with the ports and the issuer of a test. */
export function deployedSections(name: string): Record<string, unknown> {
  const { routes, decisionService } = parse(readDeployed(`${name}/watchword.yaml`)) as {
    routes: object[];
    decisionService: Record<string, { listen?: object }>;
  };
  for (const service of ['extAuthz', 'forwardAuth']) {
    if (decisionService[service] !== undefined) decisionService[service].listen = { port: 0 };
  }
  return { routes, decisionService, upstreams: {} };
}

export interface FrontDoor {
  readonly port: number;
  readonly edge: TestEdge;
  readonly backend: TestUpstream;
}

const CONFIGS = {
  nginx: { file: 'nginx.conf', args: (folder: string) => ['-p', folder, '-c', 'nginx.conf'] },
  caddy: {
    file: 'Caddyfile',
    args: (folder: string) => ['run', '--config', join(folder, 'Caddyfile'), '--adapter', 'caddyfile'],
  },
} as const;

/** Backend <- proxy -> decision service. */
export async function startFrontDoor(name: ProxyName, backend: Promise<TestUpstream> = startUpstream()): Promise<FrontDoor> {
  const upstream = await backend;
  const edge = await startEdge('http://127.0.0.1:9', deployedSections(name));
  const folder = temporaryDirectory();
  mkdirSync(join(folder, 'temp'));
  const port = await freePort();
  const { file, args } = CONFIGS[name];
  const shipped = readDeployed(`${name}/${file}`);
  const config = shipped
    .replace('127.0.0.1:9002', `127.0.0.1:${edge.servicePorts.forwardAuth!}`)
    .replace('127.0.0.1:3001', `127.0.0.1:${upstream.port}`)
    .replace('worker_processes auto', 'worker_processes 1')
    .replace(/(listen 127\.0\.0\.1|http:\/\/):8000/, `$1:${port}`);
  writeFileSync(join(folder, file), config);
  const env = { ...process.env, HOME: folder, XDG_CONFIG_HOME: folder, XDG_DATA_HOME: folder };
  const child = spawn(name, args(folder), { stdio: ['ignore', 'ignore', 'pipe'], env });
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
  onTestFinished(() => stop(child));
  await listening(port, child, () => said);
  return { port, edge, backend: upstream };
}

/** A port that nobody listens on. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

async function listening(port: number, child: ChildProcess, said: () => string): Promise<void> {
  for (let attempt = 0; attempt < 200; attempt += 1) {
    if (child.exitCode !== null) throw new Error(`The proxy ended: ${said()}`);
    const isOpen = await new Promise<boolean>((resolve) => {
      const socket = connect(port, '127.0.0.1', () => {
        socket.destroy();
        resolve(true);
      });
      socket.on('error', () => resolve(false));
    });
    if (isOpen) return;
    await sleep(25);
  }
  throw new Error(`The proxy does not listen: ${said()}`);
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return;
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), 2000);
  await ended;
  clearTimeout(timer);
}
