/** The token service of one configuration at work, out of what the gateway has anyway. */
import type { RequestListener } from 'node:http';
import {
  type SignatureChecks,
  type TrustPolicyOptions,
  type TxnMinter,
  type VerificationCache,
  createCachedVerifier,
  createTxnVerifier,
  createVoucherVerifier,
  guardSubjects,
  readFreshness,
  systemClock,
} from '@watchword/core';
import type { TrustDependencies } from '../assemble/trust.ts';
import type { GatewayConfig } from '../config/config.ts';
import type { Logger } from '../logger.ts';
import type { Take } from '../reload/shelf.ts';
import type { RevocationGuard } from '../revocation/guard.ts';
import { createOwnKeys } from './own-keys.ts';
import { openReplayLedger } from './replay-ledger.ts';
import { createTokenService } from './token-service.ts';
import { TokenTally } from './token-tally.ts';

/** What the gateway has. */
export interface HostParts {
  readonly take: Take;
  readonly logger: Logger;
  readonly clock: TrustDependencies['clock'];
  readonly checks: SignatureChecks;
  readonly external: VerificationCache | undefined;
  /** What external tokens are judged by; undefined: there are no issuers. */
  readonly policy: TrustPolicyOptions | undefined;
  readonly guard: RevocationGuard | undefined;
  /** Signs with the keys of the gateway, by the settings of the service. */
  readonly minter: TxnMinter;
  /** What is published, keys that were replaced included. */
  readonly jwks: () => { readonly keys: readonly object[] };
  /** Looks for keys that other instances have made; undefined: there are none. */
  readonly freshen: (() => Promise<void>) | undefined;
}

/** A token service and its counters. */
export interface HostedTokenService {
  readonly listener: RequestListener;
  readonly tally: TokenTally;
}

/** Builds it. @throws ConfigError */
export function composeTokenService(config: GatewayConfig, parts: HostParts): HostedTokenService {
  const { take, logger, checks, external, policy, guard, minter, jwks, freshen = async () => {}, clock = systemClock } = parts;
  const { trustDomain, algorithm } = config.txnToken!;
  const tally = take(['token service tally'], () => new TokenTally());
  const spent = take(
    ['token service replay', config.tokenService!.replay],
    () => openReplayLedger(config, clock),
    (made) => made.close(),
  );
  const keys = take(['token service keys', minter], () =>
    createOwnKeys({ published: jwks, freshen, trustDomain, algorithm, clock }),
  );
  const plain = createTxnVerifier({ trustDomain, keys, algorithms: [algorithm], checks, clock });
  const verifier = guard?.guard(plain) ?? plain;
  // The policy id covers everything that a verdict depends on: keys, revocations, checks (D2).
  const txn = take(
    ['token service cache', verifier.policyId],
    () => createCachedVerifier(verifier),
    (made) => made.close(),
  );
  const freshness = config.revocation && readFreshness(freshnessOf(config.revocation));
  const assertFresh = (): void => guard?.assertFresh({ freshness });
  const shown = async () => {
    await freshen();
    return jwks();
  };
  // Its keys and revocations are those of its Txn-Tokens; and of whoever knows the person (D7). Checked at once, so that those of a
  // batch are noted in the ledger together.
  const issuers = (config.issuers ?? []).map(({ issuer }) => issuer);
  const bare = createVoucherVerifier({ trustDomain, keys, algorithms: [algorithm], clock });
  const guarded = guard === undefined ? bare : guardSubjects(guard.guard(bare), guard.revocations, issuers, clock);
  const voucher = config.tokenService!.vouchers && guarded;
  const service = {
    external,
    policy,
    txn,
    voucher,
    minter,
    jwks: shown,
    revocations: guard,
    assertFresh,
    spent,
    tally,
    logger,
    clock,
  };
  return { listener: createTokenService(config, service), tally };
}

function freshnessOf({ staleAfterMs, whenStale }: NonNullable<GatewayConfig['revocation']>) {
  return { staleAfterMs, whenStale };
}
