/** From the section `tokenService.replay` to the ledger of used client assertions. */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { type Clock, type SpentTokens, createSqliteSpentTokens } from '@watchword/core';
import { createRedisSpentTokens } from '@watchword/redis';
import type { GatewayConfig } from '../config/config.ts';
import { baseDirectoryOf, configErrorAt } from '../config/locate.ts';
import { createMemoryLedger } from './clients/memory-ledger.ts';

/** Opens it; a server is only connected to when the ledger is used. @throws ConfigError */
export function openReplayLedger(config: GatewayConfig, clock: Clock): SpentTokens {
  const { sqlite, redis, passwordFile } = config.tokenService?.replay ?? {};
  const directory = baseDirectoryOf(config);
  try {
    if (sqlite !== undefined) return createSqliteSpentTokens({ path: resolve(directory, sqlite), clock });
    if (redis === undefined) return createMemoryLedger(clock);
    const server = new URL(redis);
    if (passwordFile !== undefined) {
      server.password = encodeURIComponent(readFileSync(resolve(directory, passwordFile), 'utf8').trim());
    }
    return createRedisSpentTokens({ server: server.href, prefix: 'watchword:assertions', clock });
  } catch (cause) {
    // Neither an address nor what a driver says about it: it may hold the password (E12).
    throw configErrorAt(config, ['tokenService', 'replay'], 'cannot be opened', cause);
  }
}
