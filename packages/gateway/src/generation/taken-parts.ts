/** Parts of a generation that the next one takes over where the configuration says the same. */
import { createHash } from 'node:crypto';
import {
  type CacheOptions,
  type SigningKey,
  type SigningKeys,
  type TxnMinter,
  type VerificationCache,
  type Verifier,
  createCachedVerifier,
} from '@watchword/core';
import { type MinterChanges, createMinter, createTxnKey } from '../assemble/minter.ts';
import type { TrustDependencies } from '../assemble/trust.ts';
import type { GatewayConfig, TxnTokenConfig } from '../config/config.ts';
import { longestVoucherSeconds } from '../config/sections/vouchers.ts';
import type { GenerationDependencies } from '../generation.ts';
import type { Logger } from '../logger.ts';
import { type PossessionGuard, createPossessionGuard } from '../possession.ts';
import type { Lease } from '../reload/shelf.ts';
import { type RevocationGuard, type RevocationGuardParts, createRevocationGuard } from '../revocation/guard.ts';
import { heartbeatFor, readLogPassword } from '../revocation/open-log.ts';
import { openSigningKeys, readSigningKeySecrets } from '../signing-keys/open.ts';
import { type WatchedSigningKeys, watchSigningKeys } from '../signing-keys/watched.ts';
import { type HostParts, type HostedTokenService, composeTokenService } from '../token-service/compose.ts';

/** Signing keys that rotate; undefined: there is one key. @throws ConfigError */
export function takeSigningKeys(
  config: GatewayConfig,
  logger: Logger,
  clock: TrustDependencies['clock'],
  { take }: Lease,
): WatchedSigningKeys | undefined {
  const { keys, algorithm } = config.txnToken ?? {};
  if (keys === undefined) return undefined;
  const secrets = readSigningKeySecrets(config);
  return take(
    ['signing keys', keys, algorithm, secrets.id, longestVoucherSeconds(config.tokenService)],
    () => watchSigningKeys(openSigningKeys(config, keys, clock, secrets), logger),
    (made) => made.close(),
  );
}

/** The one key of the Txn-Tokens: the same as before unless its file says something else. @throws ConfigError */
export function takeTxnKey(config: GatewayConfig, section: TxnTokenConfig, { take }: Lease): SigningKey {
  const { algorithm, keyFile, keyId } = section;
  if (keyFile === undefined) return take(['own txn key', algorithm], () => createTxnKey(section, config));
  const read = createTxnKey(section, config);
  return take(['txn key', algorithm, keyId, read.publicJwk()], () => read);
}

/** The token service; undefined: there is none. @throws ConfigError */
export function buildTokenService(
  config: GatewayConfig,
  {
    txnKey,
    published,
    ...parts
  }: GenerationDependencies & Pick<HostParts, 'checks' | 'external' | 'policy' | 'guard' | 'freshen'>,
  lease: Lease,
): HostedTokenService | undefined {
  const { tokenService, revocation } = config;
  if (tokenService === undefined) return undefined;
  const { maxReplacements } = tokenService;
  const changes = { maxReplacements, tokenIds: revocation !== undefined, reuseWindowSeconds: 0 };
  const minter = takeMinter(config, txnKey!, parts.clock, lease, changes);
  const jwks = () => (published === undefined ? minter.jwks() : published(minter.jwks().keys));
  return composeTokenService(config, { ...parts, clock: parts.clock, take: lease.take, minter, jwks });
}

/** The minter of the edge, or with changes that of the token service. */
export function takeMinter(
  config: GatewayConfig,
  key: SigningKey | SigningKeys,
  clock: TrustDependencies['clock'],
  { take }: Lease,
  changes: MinterChanges = {},
): TxnMinter {
  return take(['minter', config.txnToken, key, changes], () => createMinter(config, clock, key, changes)!);
}

/** What knows the revocations, those that the earlier one knew among them; undefined: nobody can revoke. @throws ConfigError */
export function takeGuard(
  config: GatewayConfig,
  logger: Logger,
  parts: RevocationGuardParts,
  { take }: Lease,
): RevocationGuard | undefined {
  const { revocation } = config;
  if (revocation === undefined) return undefined;
  const heartbeatMs = revocation.log.redis === undefined ? undefined : heartbeatFor(config, revocation);
  const password = createHash('sha256')
    .update(readLogPassword(config) ?? '')
    .digest('base64url');
  return take(
    ['revocations', revocation.log, heartbeatMs, password],
    () => createRevocationGuard(config, logger, parts)!,
    (made) => made.close(),
  );
}

/** The memory of verdicts. */
export function takeCache(
  verifier: Verifier,
  { cache: { maxEntries, maxBytes } }: GatewayConfig,
  { take }: Lease,
): VerificationCache {
  const options: CacheOptions = { maxEntries, ...(maxBytes === undefined ? {} : { maxBytes }) };
  return take(
    ['cache', verifier.policyId, options],
    () => createCachedVerifier(verifier, options),
    (made) => made.close(),
  );
}

/** The check of proofs: one that was used stays used under the next configuration too. @throws ConfigError */
export function takePossession(
  config: GatewayConfig,
  clock: TrustDependencies['clock'],
  { take }: Lease,
): PossessionGuard | undefined {
  const { possession, listen } = config;
  if (possession === undefined) return undefined;
  return take(
    ['possession', possession, listen.tls === undefined],
    () => createPossessionGuard(config, clock)!,
    (made) => made.close(),
  );
}
