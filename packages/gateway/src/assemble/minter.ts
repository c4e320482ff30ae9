/** What signs the Txn-Tokens. */
import {
  type Clock,
  type SigningKey,
  type SigningKeys,
  type TxnMinter,
  type TxnMinterOptions,
  createSigningKey,
  createTxnMinter,
  generateSigningKey,
} from '@watchword/core';
import type { GatewayConfig, TxnTokenConfig } from '../config/config.ts';
import type { ConfigPath } from '../config/locate.ts';
import { locating, readText } from './locating.ts';

/** In what the minter of the token service differs from that of the edge. */
export type MinterChanges = Partial<Pick<TxnMinterOptions, 'tokenIds' | 'maxReplacements' | 'reuseWindowSeconds'>>;

/** Builds the minter of Txn-Tokens; undefined without a `txnToken` section. @throws ConfigError */
export function createMinter(
  config: GatewayConfig,
  clock?: Clock,
  signingKey?: SigningKey | SigningKeys,
  changes: MinterChanges = {},
): TxnMinter | undefined {
  const { txnToken } = config;
  if (txnToken === undefined) return undefined;
  const { trustDomain, requestingWorkload, lifetimeSeconds, reuseWindowSeconds, claims } = txnToken;
  const key = signingKey ?? createTxnKey(txnToken, config);
  return locating(config, ['txnToken'], () =>
    createTxnMinter({
      trustDomain,
      requestingWorkload,
      lifetimeSeconds,
      claims,
      key,
      ...(reuseWindowSeconds === undefined ? {} : { reuseWindowSeconds }),
      ...(clock === undefined ? {} : { clock }),
      ...changes,
    }),
  );
}

/** The key of the Txn-Tokens: from its file, or new. @throws ConfigError */
export function createTxnKey({ algorithm, keyFile, keyId }: TxnTokenConfig, config: GatewayConfig): SigningKey {
  if (keyFile === undefined) return generateSigningKey(algorithm);
  const path: ConfigPath = ['txnToken', 'keyFile'];
  const pem = readText(keyFile, config, path);
  return locating(config, path, () => createSigningKey({ alg: algorithm, pem, ...(keyId === undefined ? {} : { kid: keyId }) }));
}
