/** From the section `deferred.queue` to the queue itself. */
import { createHash } from 'node:crypto';
import { resolve } from 'node:path';
import type { Clock } from '@watchword/core';
import { type Queue, createSqliteQueue } from '@watchword/deferred';
import { type RedisQueue, type RedisQueueOptions, createRedisQueue } from '@watchword/redis';
import type { GatewayConfig } from '../config/config.ts';
import { baseDirectoryOf, configErrorAt } from '../config/locate.ts';
import { withPassword } from '../config/redis-server.ts';
import { readSecretFile } from '../config/secret-files.ts';

/** How a queue is opened beside what the configuration says. */
export interface OpenQueueOptions {
  readonly clock?: Clock | undefined;
  /** Looks only: a server that promises too little is good enough for that. */
  readonly looksOnly?: boolean;
  /** Is told of a server that promises too little, or cannot be asked. Holds neither its address nor anything stored. */
  readonly onWarning?: (warning: string) => void;
}

/** Opens the queue of a configuration that has a section `deferred`; a server is asked in the background. @throws ConfigError */
export function openDeferredQueue(config: GatewayConfig, options: OpenQueueOptions = {}): Queue {
  const { queue, limits, outcomesKeptSeconds } = config.deferred!;
  const shared = {
    limits,
    outcomesKeptMs: outcomesKeptSeconds * 1000,
    ...(options.clock === undefined ? {} : { clock: options.clock }),
  };
  // Neither the address nor what a driver says about it is repeated: it may hold the password (E12).
  return queue.redis === undefined
    ? locating(config, 'sqlite', () => createSqliteQueue({ path: resolve(baseDirectoryOf(config), queue.sqlite!), ...shared }))
    : locating(config, 'redis', () => openRedisQueue(config, options, shared));
}

/** What two configurations with the same queue have in common. @throws ConfigError */
export function queueIdOf(config: GatewayConfig): readonly unknown[] {
  const { queue, limits, outcomesKeptSeconds } = config.deferred!;
  const sqlite = queue.sqlite === undefined ? undefined : resolve(baseDirectoryOf(config), queue.sqlite);
  const password = createHash('sha256')
    .update(readQueuePassword(config) ?? '')
    .digest('base64url');
  return ['deferred queue', { ...queue, sqlite }, password, limits, outcomesKeptSeconds];
}

/** The password of the Redis server; undefined: there is none. @throws ConfigError */
export function readQueuePassword(config: GatewayConfig): string | undefined {
  return readSecretFile(config, config.deferred?.queue.passwordFile, ['deferred', 'queue', 'passwordFile']);
}

function openRedisQueue(
  config: GatewayConfig,
  { looksOnly = false, onWarning = () => {} }: OpenQueueOptions,
  shared: Pick<RedisQueueOptions, 'limits' | 'outcomesKeptMs' | 'clock'>,
): RedisQueue {
  const { redis, prefix, durability = 'require', replicas } = config.deferred!.queue;
  const queue = createRedisQueue({
    ...shared,
    server: withPassword(redis!, readQueuePassword(config)),
    durability: looksOnly ? 'warn' : durability,
    onWarning,
    ...(prefix === undefined ? {} : { prefix }),
    ...(replicas === undefined ? {} : { replicas }),
  });
  // Known at the start, not with the first request.
  if (!looksOnly) queue.ready().catch((error: unknown) => onWarning(error instanceof Error ? error.message : 'unknown'));
  return queue;
}

function locating<Opened extends Queue>(config: GatewayConfig, name: 'sqlite' | 'redis', open: () => Opened): Opened {
  try {
    return open();
  } catch (cause) {
    throw configErrorAt(config, ['deferred', 'queue', name], 'cannot be opened', cause);
  }
}
