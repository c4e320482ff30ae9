/** What tests of several threads need: a connection for each request, an issuer whose keys change, the threads themselves. */
import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Worker } from 'node:worker_threads';
import { type SigningKey, signJws } from '@watchword/core';
import { onTestFinished } from 'vitest';
import { AUDIENCE, ISSUER, accessTokenClaims } from './identity-provider.ts';

/** One request on a connection of its own: which thread gets it is up to the system. Status 0: no answer. */
export function getOnce(port: number, headers: Record<string, string> = {}, path = '/api/x'): Promise<number> {
  return new Promise((resolve) => {
    const sent = request({ host: '127.0.0.1', port, path, headers, agent: false }, (response) => {
      response.resume();
      response.on('end', () => resolve(response.statusCode!));
      response.on('error', () => resolve(0));
    });
    sent.on('error', () => resolve(0));
    sent.end();
  });
}

/** The same request so often, a few at a time. */
export async function getMany(port: number, times: number, headers: Record<string, string> = {}): Promise<number[]> {
  const statuses: number[] = [];
  while (statuses.length < times) {
    const few = Math.min(16, times - statuses.length);
    statuses.push(...(await Promise.all(Array.from({ length: few }, () => getOnce(port, headers)))));
  }
  return statuses;
}

export interface RotatingIssuer {
  readonly entry: object;
  /** The keys that are published from now on. */
  publish(...keys: SigningKey[]): void;
  readonly fetches: number;
  bearer(key: SigningKey, claims?: object): Record<string, string>;
}

/** An issuer that publishes its keys over HTTP. */
export async function startRotatingIssuer(...first: SigningKey[]): Promise<RotatingIssuer> {
  let keys = first;
  let fetches = 0;
  const server = createServer((_request, response) => {
    fetches += 1;
    response.setHeader('content-type', 'application/jwk-set+json');
    response.end(JSON.stringify({ keys: keys.map((key) => key.publicJwk()) }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  const jwksUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}/jwks`;
  return {
    entry: { issuer: ISSUER, audience: AUDIENCE, algorithms: ['ES256'], jwksUrl, allowInsecure: true },
    publish: (...next) => void (keys = next),
    get fetches() {
      return fetches;
    },
    bearer: (key, claims = {}) => ({
      authorization: `Bearer ${signJws(Buffer.from(JSON.stringify(accessTokenClaims(claims))), { typ: 'at+jwt' }, key)}`,
    }),
  };
}

/** Every thread that is started from now on, until the test ends. */
export function watchThreads(onStart: (worker: Worker) => void = () => {}): Worker[] {
  const workers: Worker[] = [];
  const remember = (worker: Worker): void => {
    workers.push(worker);
    onStart(worker);
  };
  process.on('worker', remember);
  onTestFinished(() => void process.off('worker', remember));
  return workers;
}

/** The threads that logged something with this code. */
export function threadsThatSaid(logs: readonly Record<string, unknown>[], code: string): Set<unknown> {
  return new Set(logs.filter((line) => line.code === code).map(({ thread }) => thread));
}

/** The value of one series. */
export function valueOf(metrics: string, series: string): number {
  return Number(
    metrics
      .split('\n')
      .find((line) => line.startsWith(`${series} `))
      ?.slice(series.length + 1) ?? 0,
  );
}
