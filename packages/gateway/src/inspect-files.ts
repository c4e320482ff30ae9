/** Whether a gateway with this configuration could start as far as files go: reads each of them, asks no network. */
import { systemClock } from '@watchword/core';
import { compileRoutes } from './routing/compile.ts';
import { createKeySource } from './assemble/key-sources.ts';
import { createMinter } from './assemble/minter.ts';
import { createTrust } from './assemble/trust.ts';
import { ConfigError, type ConfigIssue } from './config/config-error.ts';
import type { GatewayConfig } from './config/config.ts';
import { createIsOperator } from './control/operator.ts';
import { readEncryptionKeys } from './config/secret-files.ts';
import { readQueuePassword } from './deferred/open-queue.ts';
import { readTls } from './front/tls.ts';
import { readLogPassword } from './revocation/open-log.ts';
import { readSigningKeySecrets } from './signing-keys/open.ts';
import { readUpstreamTls } from './upstream/tls.ts';
import { createMemoryLedger } from './token-service/clients/memory-ledger.ts';
import { openClients } from './token-service/clients/open-clients.ts';
import { createTokenServer } from './token-service/token-server.ts';

/** Every file that cannot be used, with the setting that names it; empty: all are good. */
export function inspectFiles(config: GatewayConfig): readonly ConfigIssue[] {
  const issues = inspections(config).flatMap(issuesOf);
  // What only shows when all parts are put together.
  return issues.length > 0 ? issues : issuesOf(() => void createTrust(config));
}

/** One for each place that may go wrong on its own, in the order of the table. */
function inspections(config: GatewayConfig): (() => void)[] {
  return [
    ...config.issuers.map((issuer, index) => () => closing(createKeySource(issuer, index, config))),
    () => void readTls(config),
    () => void createIsOperator(config),
    () => void createMinter(config),
    () => void readSigningKeySecrets(config),
    () => void readLogPassword(config),
    () => void readEncryptionKeys(config, config.deferred?.sealKeyFile, ['deferred', 'sealKeyFile']),
    () => void readQueuePassword(config),
    ...Object.keys(config.upstreams).map((name) => () => void readUpstreamTls(config, name)),
    () => void inspectTokenService(config),
    () => void compileRoutes(config),
  ];
}

function inspectTokenService(config: GatewayConfig): void {
  if (config.tokenService === undefined) return;
  openClients(config, { spent: createMemoryLedger(systemClock), clock: systemClock });
  createTokenServer(config, () => {});
}

function closing(source: object): void {
  if ('close' in source && typeof source.close === 'function') source.close();
}

function issuesOf(inspect: () => void): readonly ConfigIssue[] {
  try {
    inspect();
    return [];
  } catch (error) {
    if (error instanceof ConfigError) return error.issues;
    throw error;
  }
}
