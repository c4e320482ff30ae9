/** HTTP/1.1: a pool of connections with one request at a time on each. */
import { Pool, buildConnector } from 'undici';
import type { UpstreamConfig } from '../config/config.ts';
import type { Exchange, Target, TargetRequest } from './target.ts';
import type { UpstreamTls } from './tls.ts';

/** Opens a pool. Connections are made when they are needed. */
export function createHttp1Target(url: string, config: UpstreamConfig, tls: UpstreamTls): Target {
  const pool = createPool(url, config, tls);
  return {
    capacity: config.connections,
    hasTrailers: false,
    send(request: TargetRequest, exchange: Exchange) {
      pool.dispatch(request, exchange);
    },
    close: () => pool.close(),
    destroy: () => pool.destroy(),
  };
}

function createPool(url: string, config: UpstreamConfig, tls: UpstreamTls): Pool {
  return new Pool(url, {
    connections: config.connections,
    connect: createConnector(config.connectTimeoutMs, tls),
    headersTimeout: config.responseTimeoutMs,
    bodyTimeout: config.bodyTimeoutMs,
    // One request at a time on a connection: an answer can't be taken for that of another caller's request (F1).
    pipelining: 1,
    allowH2: false,
  });
}

function createConnector(timeout: number, tls: UpstreamTls): buildConnector.connector {
  const connect = buildConnector({ timeout, allowH2: false, ...tls });
  return (options, callback) => {
    connect(options, (...result) => {
      result[1]?.on('error', renameReset);
      callback(...result);
    });
  };
}

// An answer without a length ends with its connection, but not with a reset (RFC 9112 section 8). To undici, which reads the
// code after us, ECONNRESET is such an end: a cut-off answer would pass for a whole one.
function renameReset(error: NodeJS.ErrnoException): void {
  if (error.code === 'ECONNRESET') error.code = 'UPSTREAM_RESET';
}
