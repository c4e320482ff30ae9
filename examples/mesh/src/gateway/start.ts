/** Runs `watchword gateway --config <file>` in front of the services. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import process from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { Child } from '../process/child.ts';
import type { Fleet } from '../process/fleet.ts';
import { freePort } from '../process/free-port.ts';
import { type GatewaySettings, gatewayConfig } from './config.ts';

/** Where a running gateway can be reached. */
export interface GatewayAddresses {
  readonly origin: string;
  readonly health: string;
  readonly metrics: string;
  readonly jwks: string;
  /** Path of its configuration file. */
  readonly config: string;
}

/** A running gateway and the services behind it. */
export interface StartedGateway {
  readonly child: Child;
  readonly services: readonly Child[];
  readonly addresses: GatewayAddresses;
}

/** What the gateway is made for. */
export interface GatewayRequest extends Omit<GatewaySettings, 'port' | 'controlPort' | 'ordersUrl'> {
  /** Starts the services, which need to know where the gateway will publish its keys. The last one is called by the gateway. */
  readonly startServices: (jwksUrl: string) => Promise<Child[]>;
}

const START_LIMIT_MS = 15_000;
const POLL_MS = 50;

/** Starts the services and the gateway. Resolves when the gateway is ready to verify. */
export async function startGateway(fleet: Fleet, { startServices, ...settings }: GatewayRequest): Promise<StartedGateway> {
  const [port, controlPort] = [await freePort(), await freePort()];
  const control = `http://127.0.0.1:${controlPort}`;
  const services = await startServices(`${control}/.well-known/jwks.json`);
  const folder = mkdtempSync(join(tmpdir(), 'watchword-mesh-'));
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
  const config = join(folder, 'watchword.yaml');
  writeFileSync(config, gatewayConfig({ ...settings, port, controlPort, ordersUrl: services.at(-1)!.origin }));
  const child = await fleet.start({
    name: 'gateway',
    preload: 'gateway/probe.ts',
    script: commandPath(),
    args: ['gateway', '--config', config],
  });
  const addresses = {
    origin: `http://127.0.0.1:${port}`,
    health: `${control}/readyz`,
    metrics: `${control}/metrics`,
    jwks: `${control}/.well-known/jwks.json`,
    config,
  };
  await Promise.race([untilReady(addresses.health), fleet.broken]);
  return { child, services, addresses };
}

async function untilReady(url: string): Promise<void> {
  const endMs = Date.now() + START_LIMIT_MS;
  while (Date.now() < endMs) {
    const response = await fetch(url).catch(() => undefined);
    await response?.body?.cancel();
    if (response?.ok) return;
    await sleep(POLL_MS);
  }
  throw new Error(`The gateway is not ready after ${START_LIMIT_MS / 1000} s`);
}

/** The script behind `npx watchword`. */
export function commandPath(): string {
  const manifest = fileURLToPath(import.meta.resolve('watchword/package.json'));
  const { bin } = JSON.parse(readFileSync(manifest, 'utf8')) as { bin: { watchword: string } };
  return resolve(dirname(manifest), bin.watchword);
}
