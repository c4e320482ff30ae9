/** From the section `revocation.log` to the log itself. */
import { resolve } from 'node:path';
import { type Clock, type RevocationLog, createMemoryRevocationLog, createSqliteRevocationLog } from '@watchword/core';
import { createRedisRevocationLog } from '@watchword/redis';
import type { GatewayConfig, RevocationConfig } from '../config/config.ts';
import { type ConfigPath, baseDirectoryOf, configErrorAt } from '../config/locate.ts';
import { withPassword } from '../config/redis-server.ts';
import { readSecretFile } from '../config/secret-files.ts';

/** Opens the log; a server is only connected to when the log is used. @throws ConfigError naming the setting */
export function openRevocationLog(config: GatewayConfig, section: RevocationConfig, clock: Clock | undefined): RevocationLog {
  const { sqlite, redis, prefix } = section.log;
  const time = clock === undefined ? {} : { clock };
  if (redis !== undefined) {
    const server = withPassword(redis, readLogPassword(config));
    const heartbeatMs = heartbeatFor(config, section);
    return locating(config, ['revocation', 'log', 'redis'], () =>
      createRedisRevocationLog({ server, heartbeatMs, ...(prefix === undefined ? {} : { prefix }), ...time }),
    );
  }
  if (sqlite === undefined) return createMemoryRevocationLog(time);
  const path = resolve(baseDirectoryOf(config), sqlite);
  return locating(config, ['revocation', 'log', 'sqlite'], () => createSqliteRevocationLog({ path, ...time }));
}

/** How often a server is asked: so that one lost beat makes no route stale. */
export function heartbeatFor({ routes }: GatewayConfig, section: RevocationConfig): number {
  const strictest = Math.min(section.staleAfterMs, ...routes.map((route) => route.revocation?.staleAfterMs ?? Infinity));
  return Math.min(500, Math.floor(strictest / 4));
}

/** The password of the Redis server; undefined: there is none. @throws ConfigError */
export function readLogPassword(config: GatewayConfig): string | undefined {
  return readSecretFile(config, config.revocation?.log.passwordFile, ['revocation', 'log', 'passwordFile']);
}

// Neither the address nor what a driver says about it is repeated: it may hold the password (E12).
function locating(config: GatewayConfig, path: ConfigPath, open: () => RevocationLog): RevocationLog {
  try {
    return open();
  } catch (cause) {
    throw configErrorAt(config, path, 'cannot be opened', cause);
  }
}
