/** The connections to what is behind the edge. */
import { hash } from 'node:crypto';
import type { GatewayConfig } from '../config/config.ts';
import { type Take, takeNew } from '../reload/shelf.ts';
import { readUpstreamTls } from './tls.ts';
import { type Upstream, type UpstreamDependencies, createUpstream } from './upstream.ts';

/** All upstreams of one gateway. */
export interface Upstreams {
  /** A configured upstream. */
  get(name: string): Upstream;
  /** All of them, in the order of the configuration. */
  list(): readonly Upstream[];
  /** Closes all connections now; running requests fail. */
  destroy(): Promise<void>;
}

/**
 * Opens a pool per target. Connections are made when they are needed. An upstream whose configuration and key files are those of
 * one that `take` has goes on with its connections, its health and its counters.
 * @throws ConfigError for certificates and keys that cannot be used; nothing has been opened then
 */
export function createUpstreams(
  config: GatewayConfig,
  dependencies: Partial<UpstreamDependencies> = {},
  take: Take = takeNew,
): Upstreams {
  const complete = { now: () => performance.now(), random: Math.random, observer: NOBODY, ...dependencies };
  const recipes = Object.entries(config.upstreams).map(([name, entry]) => ({ name, entry, tls: readUpstreamTls(config, name) }));
  const open = recipes.map(({ name, entry, tls }) =>
    take(
      // The private key is in there, so that its digest stands for it.
      ['upstream', name, entry, hash('sha256', JSON.stringify(tls))],
      () => createUpstream(name, entry, tls, complete),
      (made) => made.close(),
    ),
  );
  const byName = new Map(open.map((upstream) => [upstream.name, upstream]));
  return {
    get(name) {
      const upstream = byName.get(name);
      if (upstream === undefined) throw new Error(`No upstream is named ${name}`);
      return upstream;
    },
    list: () => open,
    destroy: async () => {
      await Promise.all(open.map((upstream) => upstream.destroy()));
    },
  };
}

const NOBODY = { ejected: (): void => {}, healthChanged: (): void => {}, tableTooSmall: (): void => {} };
