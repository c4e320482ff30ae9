/** From the entries of the configuration to registered clients: reads key and secret files. */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { type Clock, type LocalKeys, type SpentTokens, createLocalKeys, createVerifier } from '@watchword/core';
import type { GatewayConfig } from '../../config/config.ts';
import { type ConfigPath, baseDirectoryOf, configErrorAt } from '../../config/locate.ts';
import type { TokenClientConfig } from '../../config/sections/token-service.ts';
import { endpointPaths } from '../metadata.ts';
import { createAssertionCheck } from './assertion.ts';
import { toClient } from './client.ts';
import type { RegisteredClient } from './registry.ts';
import { readSecret } from './secret.ts';

/** What their proofs need. */
export interface ClientDependencies {
  readonly spent: SpentTokens;
  readonly clock: Clock;
}

/** Registers all clients, by their id. @throws ConfigError naming the setting; never with a secret */
export function openClients(config: GatewayConfig, dependencies: ClientDependencies): ReadonlyMap<string, RegisteredClient> {
  const { clients } = config.tokenService!;
  return new Map(
    clients.map((entry, index) => [entry.id, openClient(entry, ['tokenService', 'clients', index], config, dependencies)]),
  );
}

function openClient(
  entry: TokenClientConfig,
  path: ConfigPath,
  config: GatewayConfig,
  { spent, clock }: ClientDependencies,
): RegisteredClient {
  const { id, jwksFile, secretFile, certificate, algorithms, selfSigned } = entry;
  const client = toClient(entry);
  const locate = <Result>(name: string, build: () => Result): Result => locating(config, [...path, name], build);
  const jwks = jwksFile === undefined ? undefined : locate('jwksFile', () => JSON.parse(readText(jwksFile, config)) as unknown);
  const keysOf = (issuer: string): LocalKeys => locate('jwksFile', () => createLocalKeys({ issuer, jwks, algorithms }));
  const { issuer } = config.tokenService!;
  return {
    client,
    certificate,
    secret: secretFile === undefined ? undefined : locate('secretFile', () => readSecret(readText(secretFile, config))),
    assertion:
      entry.method === 'private_key_jwt'
        ? createAssertionCheck({
            clientId: id,
            keys: keysOf(id),
            algorithms,
            audiences: [issuer, new URL(endpointPaths(issuer).token, issuer).href],
            spent,
            clock,
          })
        : undefined,
    selfSigned: selfSigned ? createSelfSignedVerifier(client.workload, keysOf(client.workload), entry, issuer, clock) : undefined,
  };
}

// TT-12: iss names the workload, aud this service; iat, sub and exp must be there.
function createSelfSignedVerifier(
  workload: string,
  keys: LocalKeys,
  { algorithms }: TokenClientConfig,
  audience: string,
  clock: Clock,
): RegisteredClient['selfSigned'] {
  const policy = { issuer: workload, audience, algorithms, keys, tokenTypes: [null, 'JWT'], requiredClaims: ['sub', 'iat'] };
  return createVerifier({ issuers: [{ ...policy, maxTokenAgeSeconds: 300 }], clock });
}

function readText(file: string, config: GatewayConfig): string {
  return readFileSync(resolve(baseDirectoryOf(config), file), 'utf8');
}

// What a parser or the system says may quote the file.
function locating<Result>(config: GatewayConfig, path: ConfigPath, build: () => Result): Result {
  try {
    return build();
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    const isOurs = code === 'config_invalid';
    const reason = cause instanceof SyntaxError ? 'is not JSON' : isOurs ? message : `cannot be read (${code ?? 'error'})`;
    throw configErrorAt(config, path, reason, cause);
  }
}
