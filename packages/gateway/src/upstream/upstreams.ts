/** The connections to what is behind the edge. */
import { Pool, buildConnector } from 'undici';
import type { UpstreamConfig } from '../config/config.ts';
import { WaitingRoom } from './waiting-room.ts';

/** One upstream: its connections, and the queue in front of them. */
export interface Upstream {
  readonly pool: Pool;
  readonly room: WaitingRoom;
}

/** All upstreams of one gateway. */
export interface Upstreams {
  /** A configured upstream. */
  get(name: string): Upstream;
  /** Waits for running requests, then closes all connections. */
  close(): Promise<void>;
  /** Closes all connections now; running requests fail. */
  destroy(): Promise<void>;
}

/** Opens a pool per upstream. Connections are made when they are needed. */
export function createUpstreams(configs: Readonly<Record<string, UpstreamConfig>>): Upstreams {
  const upstreams = new Map(Object.entries(configs).map(([name, config]) => [name, createUpstream(config)]));
  const pools = [...upstreams.values()].map(({ pool }) => pool);
  return {
    get(name) {
      const upstream = upstreams.get(name);
      if (upstream === undefined) throw new Error(`No upstream is named ${name}`);
      return upstream;
    },
    close: async () => {
      await Promise.all(pools.map((pool) => pool.close()));
    },
    destroy: async () => {
      await Promise.all(pools.map((pool) => pool.destroy()));
    },
  };
}

function createUpstream(config: UpstreamConfig): Upstream {
  const { connections, maxWaiting, connectTimeoutMs } = config;
  const room = new WaitingRoom({ places: connections, maxWaiting, timeoutMs: connectTimeoutMs });
  return { pool: createPool(config), room };
}

function createPool(config: UpstreamConfig): Pool {
  return new Pool(config.url, {
    connections: config.connections,
    connect: createConnector(config.connectTimeoutMs),
    headersTimeout: config.responseTimeoutMs,
    bodyTimeout: config.bodyTimeoutMs,
    // One request at a time on a connection: an answer can't be taken for that of another caller's request (F1).
    pipelining: 1,
    allowH2: false,
  });
}

function createConnector(timeout: number): buildConnector.connector {
  const connect = buildConnector({ timeout, allowH2: false });
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
