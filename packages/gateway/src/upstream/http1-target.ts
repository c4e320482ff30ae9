/** HTTP/1.1: connections with one request at a time on each. */
import { Client, buildConnector, errors } from 'undici';
import { checkHeaderBudget } from '@watchword/core';
import type { HopMeter } from '@watchword/http2';
import type { UpstreamConfig } from '../config/config.ts';
import type { Exchange, Target, TargetRequest } from './target.ts';
import type { UpstreamTls } from './tls.ts';

/** Connections are made when they are needed. */
export function createHttp1Target(url: string, config: UpstreamConfig, tls: UpstreamTls, hop: HopMeter): Target {
  // One for all of them: a TLS session that one made, the next one may resume.
  const connect = createConnector(config.connectTimeoutMs, tls, hop);
  const lines = new Lines(config.connections, () => createClient(url, config, connect));
  return {
    capacity: config.connections,
    hasTrailers: false,
    send(request: TargetRequest, exchange: Exchange) {
      checkHeaderBudget(hop.hop, fieldBytes(request), USUAL_HEADER_BYTES);
      lines.send(request, exchange);
    },
    close: () => lines.close(),
    destroy: () => lines.destroy(),
  };
}

/** One connection at a time, and whether somebody uses it. */
interface Line {
  readonly client: Client;
  isFree: boolean;
}

/**
 * The clients of one target. undici's pool looks through all of its clients twice for every request; here those without one stand in
 * a list, and who was used last is used next.
 */
class Lines {
  readonly #most: number;
  readonly #create: () => Client;
  readonly #all: Line[] = [];
  readonly #free: Line[] = [];
  // A place in the waiting room gets free a moment before the connection does.
  readonly #waiting: [TargetRequest, Exchange][] = [];
  #isClosing = false;
  #onDrained: (() => void) | undefined = undefined;

  constructor(most: number, create: () => Client) {
    this.#most = most;
    this.#create = create;
  }

  send(request: TargetRequest, exchange: Exchange): void {
    if (this.#isClosing) return exchange.onResponseError(undefined, new errors.ClientClosedError());
    const line = this.#free.pop() ?? (this.#all.length < this.#most ? this.#open() : undefined);
    if (line === undefined) this.#waiting.push([request, exchange]);
    else this.#dispatch(line, request, exchange);
  }

  async close(): Promise<void> {
    this.#isClosing = true;
    if (this.#waiting.length > 0) await new Promise<void>((resolve) => (this.#onDrained = resolve));
    await Promise.all(this.#all.map(({ client }) => client.close()));
  }

  async destroy(): Promise<void> {
    this.#isClosing = true;
    for (const [, exchange] of this.#waiting.splice(0)) exchange.onResponseError(undefined, new errors.ClientDestroyedError());
    this.#onDrained?.();
    await Promise.all(this.#all.map(({ client }) => client.destroy()));
  }

  #dispatch(line: Line, request: TargetRequest, exchange: Exchange): void {
    line.isFree = false;
    // False also says that it was refused at once: then nothing is under way, and no `drain` follows.
    if (line.client.dispatch(request, exchange) || line.client.stats.size === 0) this.#release(line);
  }

  #open(): Line {
    const line: Line = { client: this.#create(), isFree: false };
    this.#all.push(line);
    line.client.on('drain', () => this.#release(line));
    return line;
  }

  #release(line: Line): void {
    if (line.isFree) return;
    const next = this.#waiting.shift();
    if (next !== undefined) {
      this.#dispatch(line, ...next);
      if (this.#waiting.length === 0) this.#onDrained?.();
      return;
    }
    line.isFree = true;
    this.#free.push(line);
  }
}

// What Node and most others take; they answer 431 beyond it (ND-8).
const USUAL_HEADER_BYTES = 16_384;

function fieldBytes({ path, headers }: TargetRequest): number {
  let bytes = path.length;
  // ": " and the end of the line.
  for (let index = 0; index < headers.length; index += 1) bytes += headers[index]!.length + 2;
  return bytes;
}

function createClient(url: string, config: UpstreamConfig, connect: buildConnector.connector): Client {
  return new Client(url, {
    connect,
    headersTimeout: config.responseTimeoutMs,
    bodyTimeout: config.bodyTimeoutMs,
    // One request at a time on a connection: an answer can't be taken for that of another caller's request (F1).
    pipelining: 1,
    allowH2: false,
  });
}

function createConnector(timeout: number, tls: UpstreamTls, hop: HopMeter): buildConnector.connector {
  const connect = buildConnector({ timeout, allowH2: false, ...tls });
  return (options, callback) => {
    connect(options, (...result) => {
      const [, socket] = result;
      socket?.on('error', renameReset);
      if (socket) hop.watch(socket);
      callback(...result);
    });
  };
}

// An answer without a length ends with its connection, but not with a reset (RFC 9112 section 8). To undici, which reads the
// code after us, ECONNRESET is such an end: a cut-off answer would pass for a whole one.
function renameReset(error: NodeJS.ErrnoException): void {
  if (error.code === 'ECONNRESET') error.code = 'UPSTREAM_RESET';
}
