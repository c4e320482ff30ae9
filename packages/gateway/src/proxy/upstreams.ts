/** The connections to what is behind the edge. */
import { Pool } from 'undici';
import type { UpstreamConfig } from '../config/config.ts';

/** All upstreams of one gateway. */
export interface Upstreams {
  /** The pool of a configured upstream. */
  get(name: string): Pool;
  /** Waits for running requests, then closes all connections. */
  close(): Promise<void>;
  /** Closes all connections now; running requests fail. */
  destroy(): Promise<void>;
}

/** Opens a pool per upstream. Connections are made when they are needed. */
export function createUpstreams(configs: Readonly<Record<string, UpstreamConfig>>): Upstreams {
  const pools = new Map(Object.entries(configs).map(([name, config]) => [name, createPool(config)]));
  return {
    get(name) {
      const pool = pools.get(name);
      if (pool === undefined) throw new Error(`No upstream is named ${name}`);
      return pool;
    },
    close: async () => {
      await Promise.all([...pools.values()].map((pool) => pool.close()));
    },
    destroy: async () => {
      await Promise.all([...pools.values()].map((pool) => pool.destroy()));
    },
  };
}

function createPool(config: UpstreamConfig): Pool {
  return new Pool(config.url, {
    connections: config.connections,
    connect: { timeout: config.connectTimeoutMs },
    headersTimeout: config.responseTimeoutMs,
    bodyTimeout: config.bodyTimeoutMs,
    // One request at a time on a connection: an answer can't be taken for that of another caller's request (F1).
    pipelining: 1,
    allowH2: false,
  });
}
