/** HTTP/1.1: a pool of connections with one request at a time on each. */
import { Pool, buildConnector } from 'undici';
import { checkHeaderBudget } from '@watchword/core';
import type { HopMeter } from '@watchword/http2';
import type { UpstreamConfig } from '../config/config.ts';
import type { Exchange, Target, TargetRequest } from './target.ts';
import type { UpstreamTls } from './tls.ts';

/** Opens a pool. Connections are made when they are needed. */
export function createHttp1Target(url: string, config: UpstreamConfig, tls: UpstreamTls, hop: HopMeter): Target {
  const pool = createPool(url, config, tls, hop);
  return {
    capacity: config.connections,
    hasTrailers: false,
    send(request: TargetRequest, exchange: Exchange) {
      checkHeaderBudget(hop.hop, fieldBytes(request), USUAL_HEADER_BYTES);
      pool.dispatch(request, exchange);
    },
    close: () => pool.close(),
    destroy: () => pool.destroy(),
  };
}

// What Node and most others take; they answer 431 beyond it (ND-8).
const USUAL_HEADER_BYTES = 16_384;

function fieldBytes({ path, headers }: TargetRequest): number {
  let bytes = path.length;
  // ": " and the end of the line.
  for (let index = 0; index < headers.length; index += 1) bytes += headers[index]!.length + 2;
  return bytes;
}

function createPool(url: string, config: UpstreamConfig, tls: UpstreamTls, hop: HopMeter): Pool {
  return new Pool(url, {
    connections: config.connections,
    connect: createConnector(config.connectTimeoutMs, tls, hop),
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
