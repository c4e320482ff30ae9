/** A service further down: a real server that writes down which Txn-Tokens reach it. */
import { type Server, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { TXN_TOKEN_HEADER, fromRawHeaders } from '@watchword/core';

/** One request as it arrived. */
export interface Arrival {
  readonly path: string;
  /** Every value of the `Txn-Token` field, under any spelling, not joined. */
  readonly tokens: readonly string[];
}

/** A server on loopback that answers 200, or a redirect to what `/redirect?to=` says. */
export interface Downstream {
  readonly origin: string;
  /** What arrived since the last call of `take`. */
  take(): Arrival[];
  close(): Promise<void>;
}

/** Starts one. */
export async function startDownstream(): Promise<Downstream> {
  const arrivals: Arrival[] = [];
  const server = createServer((req, res) => {
    const path = req.url!;
    arrivals.push({ path, tokens: fromRawHeaders(req.rawHeaders).values(TXN_TOKEN_HEADER) });
    req.resume();
    const to = new URL(path, 'http://downstream').searchParams.get('to');
    if (to === null) res.end('{}');
    else res.writeHead(302, { location: to }).end();
  });
  const origin = await listen(server);
  return {
    origin,
    take: () => arrivals.splice(0),
    close: () => closeServer(server),
  };
}

/** Listens on 127.0.0.1 and a free port. @returns the origin */
export async function listen(server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** Stops listening and ends idle connections. */
export async function closeServer(server: Server): Promise<void> {
  server.closeAllConnections();
  await new Promise<void>((resolve) => server.close(() => resolve()));
}
