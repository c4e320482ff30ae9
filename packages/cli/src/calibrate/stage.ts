/** The processes of the calibration: a gateway and four services behind it, as a small system has them. */
import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { createSigningKey } from '@watchword/core';
import { CalibrationChild } from './child.ts';
import type { GatewayReading } from './gateway-process.ts';
import { FRESH_HOST, type Load, sendLoad } from './load.ts';
import { SAMPLE_AUDIENCE, createSampleIssuers } from './sample-tokens.ts';
import type { ServiceReading, ServiceSettings } from './service-process.ts';

/** What all processes counted during one load. */
export interface StageReading {
  readonly requests: number;
  /** From the first request to the last answer. */
  readonly seconds: number;
  readonly gateway: GatewayReading;
  /** From the one that the gateway calls to the last one of the chain. */
  readonly services: readonly ServiceReading[];
}

/** The running processes. */
export interface Stage {
  /** @param withProbes whether two services take one of the further steps in each request */
  measure(load: Omit<Load, 'port' | 'tokens'>, withProbes: boolean): Promise<StageReading>;
  close(): Promise<void>;
}

const TRUST_DOMAIN = 'shop.example';
const USERS = 200;
const TXN_TOKEN_SECONDS = 300;
const REUSE_SECONDS = 290;
/** From then on users are made known anew before the next load, which lasts some seconds. */
const KNOWN_MS = 200_000;
const FIRST_USES_LIMIT_MS = 30_000;

/** Starts them. @param cacheSizes sizes of the caches from which hits are measured */
export async function startStage(cacheSizes: readonly number[]): Promise<Stage> {
  const folder = mkdtempSync(join(tmpdir(), 'watchword-calibrate-'));
  const children: CalibrationChild[] = [];
  // There is a private key in it: it goes however the command ends.
  const remove = (): void => rmSync(folder, { recursive: true, force: true });
  process.once('exit', remove);
  const close = async (): Promise<void> => {
    await Promise.all(children.map((child) => child.stop()));
  };
  const start = (name: string, script: string): CalibrationChild => {
    const child = new CalibrationChild(name, script);
    children.push(child);
    return child;
  };
  try {
    return { ...(await compose(folder, start, cacheSizes)), close };
  } catch (error) {
    await close();
    throw error;
  } finally {
    // The gateway has read what it needs.
    process.off('exit', remove);
    remove();
  }
}

async function compose(
  folder: string,
  start: (name: string, script: string) => CalibrationChild,
  cacheSizes: readonly number[],
): Promise<Pick<Stage, 'measure'>> {
  const issuer = createSampleIssuers().find(({ algorithm }) => algorithm === 'RS256')!;
  writeFileSync(join(folder, 'jwks.json'), JSON.stringify({ keys: [issuer.jwk] }));
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const pem = privateKey.export({ type: 'pkcs8', format: 'pem' }) as string;
  writeFileSync(join(folder, 'txn.pem'), pem, { mode: 0o600 });
  const jwk = createSigningKey({ alg: 'ES256', kid: 'txn', pem }).publicJwk();

  const service = async (name: string, settings: Partial<ServiceSettings>): Promise<readonly [CalibrationChild, string]> => {
    const child = start(name, 'service-process');
    const origin = await child.ask<string>('start', { trustDomain: TRUST_DOMAIN, jwk, next: [], ...settings });
    return [child, origin];
  };
  const [[tax, taxOrigin], [inventory, inventoryOrigin]] = await Promise.all([
    service('tax', { cacheSizes }),
    service('inventory', { cacheSizes }),
  ]);
  const [pricing, pricingOrigin] = await service('pricing', { next: [taxOrigin] });
  const [orders, ordersOrigin] = await service('orders', { next: [inventoryOrigin, pricingOrigin] });
  const gateway = start('gateway', 'gateway-process');
  const port = await gateway.ask<number>('start', gatewayConfig(folder, issuer.issuer, ordersOrigin));
  const services = [orders, pricing, inventory, tax];
  let tokens: readonly string[] = [];
  let knownSinceMs = Number.NEGATIVE_INFINITY;
  // From then on everybody knows every user.
  const introduce = async (): Promise<void> => {
    tokens = Array.from({ length: USERS }, (_v, index) => issuer.sign(`user-${String(index + 1).padStart(4, '0')}`));
    knownSinceMs = performance.now();
    await sendLoad({ port, tokens, pace: { inFlight: 8 }, mostRequests: USERS * 2, durationMs: FIRST_USES_LIMIT_MS });
  };
  await introduce();
  return {
    async measure(load, withProbes) {
      if (performance.now() - knownSinceMs > KNOWN_MS) await introduce();
      await Promise.all([gateway, ...services].map((child) => child.ask('reset', withProbes)));
      const startedMs = performance.now();
      const requests = await sendLoad({ ...load, port, tokens });
      const seconds = (performance.now() - startedMs) / 1000;
      const [ofGateway, ...ofServices] = await Promise.all([
        gateway.ask<GatewayReading>('read'),
        ...services.map((child) => child.ask<ServiceReading>('read')),
      ]);
      return { requests, seconds, gateway: ofGateway, services: ofServices };
    },
  };
}

function gatewayConfig(folder: string, issuer: string, orders: string): object {
  const route = { path: '/orders/*', methods: ['GET'], upstream: 'orders', scopes: ['orders.read'] };
  return {
    listen: { host: '127.0.0.1', port: 0 },
    control: { host: '127.0.0.1', port: 0 },
    issuers: [{ issuer, audience: SAMPLE_AUDIENCE, algorithms: ['RS256'], jwksFile: join(folder, 'jwks.json') }],
    // As long as tokens may live, so that a pause between two loads changes nothing.
    txnToken: {
      trustDomain: TRUST_DOMAIN,
      keyFile: join(folder, 'txn.pem'),
      keyId: 'txn',
      lifetimeSeconds: TXN_TOKEN_SECONDS,
      reuseWindowSeconds: REUSE_SECONDS,
    },
    upstreams: { orders: { url: orders } },
    routes: [route, { ...route, host: FRESH_HOST, reuse: 'per-request' }],
    limits: { shutdownTimeoutMs: 100 },
    log: { level: 'error' },
  };
}
