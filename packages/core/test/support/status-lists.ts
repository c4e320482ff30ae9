/** Status lists as an issuer makes them, and a server that publishes them, well or badly. */
import { type IncomingMessage, type ServerResponse, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { deflateSync } from 'node:zlib';
import type { TestKey } from './keys.ts';
import { type Members, NOW, accessClaims, makeToken } from './tokens.ts';

/** Packs statuses, `bits` for each, index 0 in the least significant bits of the first byte. */
export function packStatuses(statuses: ArrayLike<number>, bits: number): Buffer {
  const packed = Buffer.alloc(Math.ceil((statuses.length * bits) / 8));
  for (let index = 0; index < statuses.length; index += 1) {
    const at = index * bits;
    packed[at >> 3] = packed[at >> 3]! | (statuses[index]! << (at & 7));
  }
  return packed;
}

/** The `status_list` claim of a Status List Token. */
export function encodeStatusList(statuses: ArrayLike<number>, bits = 1): { readonly bits: number; readonly lst: string } {
  return { bits, lst: deflateSync(packStatuses(statuses, bits), { level: 9 }).toString('base64url') };
}

/** What differs from a good Status List Token. */
export interface ListParts {
  readonly claims?: Members;
  readonly header?: Members;
}

/** A signed Status List Token, good at {@link NOW} unless `parts` say otherwise. */
export function makeListToken(key: TestKey, uri: string, list: unknown, parts: ListParts = {}): string {
  const payload = { sub: uri, iat: NOW, exp: NOW + 86_400, ttl: 100, status_list: list, ...parts.claims };
  return makeToken(key, { header: { typ: 'statuslist+jwt', ...parts.header }, payload });
}

/** Claims of an access token whose status stands in a list. */
export function claimsWithStatus(uri: unknown, idx: unknown, changes: Members = {}): Members {
  return accessClaims({ status: { status_list: { uri, idx } }, ...changes });
}

/** Answers one request. */
export type ListBehaviour = (response: ServerResponse, request: IncomingMessage) => void;

/** A real server on loopback. */
export class ListServer {
  readonly origin: string;
  /** Paths that were asked for, in order. */
  readonly asked: string[] = [];
  /** `Accept` of the last request. */
  accept: string | undefined;
  behaviour: ListBehaviour;
  readonly #close: () => Promise<void>;

  private constructor(origin: string, close: () => Promise<void>) {
    this.origin = origin;
    this.#close = close;
    this.behaviour = (response) => response.writeHead(404).end();
  }

  static async start(): Promise<ListServer> {
    const server = createServer((request, response) => {
      response.on('error', () => {});
      current.asked.push(request.url!);
      current.accept = request.headers.accept;
      current.behaviour(response, request);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const current = new ListServer(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, () => {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(() => resolve()));
    });
    return current;
  }

  get requests(): number {
    return this.asked.length;
  }

  close(): Promise<void> {
    return this.#close();
  }
}

/** Answers with status 200 and this text. */
export function listing(text: string | Buffer, headers: Readonly<Record<string, string>> = {}): ListBehaviour {
  return (response) => {
    response.writeHead(200, { 'content-type': 'application/statuslist+jwt', ...headers });
    response.end(text);
  };
}
