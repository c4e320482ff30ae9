/** From the section `possession` to the check of proofs. */
import { resolve } from 'node:path';
import {
  type Clock,
  type Possession,
  type Sender,
  type SpentTokens,
  createPossession,
  createSqliteSpentTokens,
} from '@watchword/core';
import { createRedisSpentTokens } from '@watchword/redis';
import type { GatewayConfig } from './config/config.ts';
import { type ConfigPath, baseDirectoryOf, configErrorAt } from './config/locate.ts';
import { redisAddress } from './config/redis-server.ts';
import type { DecisionRequest } from './decision/decision.ts';

/** The check, and how a request of this gateway looks to it. */
export interface PossessionGuard {
  readonly possession: Possession;
  /** @param canonicalPath the path that was decided on */
  senderOf(request: DecisionRequest, canonicalPath: string): Sender;
  close(): Promise<void>;
}

/** Builds the check; undefined without a section `possession`. @throws ConfigError */
export function createPossessionGuard(config: GatewayConfig, clock?: Clock): PossessionGuard | undefined {
  const { possession: settings } = config;
  if (settings === undefined) return undefined;
  const { dpop, mutualTls } = settings;
  const spent = openSpent(config, clock);
  const scheme = settings.scheme ?? (config.listen.tls === undefined ? 'http' : 'https');
  const time = clock === undefined ? {} : { clock };
  const judged = dpop && { maxAgeSeconds: dpop.maxAgeSeconds, toleranceSeconds: dpop.toleranceSeconds };
  return {
    possession: createPossession({
      mutualTls,
      ...(judged === undefined ? {} : { dpop: { ...judged, ...time, ...(spent === undefined ? {} : { spent }) } }),
    }),
    senderOf: (request, canonicalPath) => new RequestSender(request, canonicalPath, scheme),
    close: async () => spent?.close(),
  };
}

// The address is put together only when a proof is looked at.
class RequestSender implements Sender {
  readonly #request: DecisionRequest;
  readonly #path: string;
  readonly #scheme: string;

  constructor(request: DecisionRequest, path: string, scheme: string) {
    this.#request = request;
    this.#path = path;
    this.#scheme = scheme;
  }

  get method(): string {
    return this.#request.method;
  }

  get uri(): string {
    return `${this.#scheme}://${this.#request.host}${this.#path}`;
  }

  get clientCertificate(): Buffer | undefined {
    return this.#request.clientCertificate;
  }
}

function openSpent(config: GatewayConfig, clock: Clock | undefined): SpentTokens | undefined {
  const spent = config.possession?.dpop?.spent;
  if (spent === undefined) return undefined;
  const { sqlite, redis, passwordFile, prefix } = spent;
  const at = (name: string): ConfigPath => ['possession', 'dpop', 'spent', name];
  const time = clock === undefined ? {} : { clock };
  if (redis !== undefined) {
    const server = redisAddress(config, redis, passwordFile, at('passwordFile'));
    return locating(config, at('redis'), () =>
      createRedisSpentTokens({ server, ...(prefix === undefined ? {} : { prefix }), ...time }),
    );
  }
  const path = resolve(baseDirectoryOf(config), sqlite!);
  return locating(config, at('sqlite'), () => createSqliteSpentTokens({ path, ...time }));
}

// Not the address, nor what a driver says about it: it may hold the password (E12).
function locating(config: GatewayConfig, path: ConfigPath, open: () => SpentTokens): SpentTokens {
  try {
    return open();
  } catch (cause) {
    throw configErrorAt(config, path, 'cannot be opened', cause);
  }
}
