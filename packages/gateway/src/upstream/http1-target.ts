/** HTTP/1.1: connections with one request at a time on each. */
import { Client, buildConnector } from 'undici';
import { checkHeaderBudget } from '@watchword/core';
import type { HopMeter } from '@watchword/http2';
import type { UpstreamConfig } from '../config/config.ts';
import { Http1Lines } from './http1-lines.ts';
import type { Exchange, Target, TargetRequest } from './target.ts';
import type { UpstreamTls } from './tls.ts';

/** Connections are made when they are needed. */
export function createHttp1Target(url: string, config: UpstreamConfig, tls: UpstreamTls, hop: HopMeter): Target {
  // One for all of them: a TLS session that one made, the next one may resume.
  const connect = createConnector(config.connectTimeoutMs, tls, hop);
  const lines = new Http1Lines(config.connections, () => createClient(url, config, connect));
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
