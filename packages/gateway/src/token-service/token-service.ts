/** Puts a token service together: verified subject tokens in, Txn-Tokens out, for clients that are known. */
import type { RequestListener } from 'node:http';
import {
  type Clock,
  type Revocations,
  type SpentTokens,
  type TrustPolicyOptions,
  type TxnMinter,
  type VerificationCache,
  type Verifier,
} from '@watchword/core';
import type { GatewayConfig } from '../config/config.ts';
import { longestDeferralMs } from '../config/sections/deferred.ts';
import type { Logger } from '../logger.ts';
import { createBatchExchange, createBatchVerify } from './batch.ts';
import { openClients } from './clients/open-clients.ts';
import { createAuthenticate } from './clients/registry.ts';
import { createVerifyEnded } from './ended-tokens.ts';
import { createEndpoints } from './endpoints.ts';
import { type Exchange, createExchange } from './exchange.ts';
import { gatherSubjects } from './gathered-subjects.ts';
import { createHandler } from './handler.ts';
import { createIntrospect } from './introspect.ts';
import { endpointPaths, metadataOf } from './metadata.ts';
import type { OAuthError } from './oauth-error.ts';
import { createRevoke } from './revoke.ts';
import { type SubjectKind, type Subjects, createSubjects } from './subjects.ts';
import type { TokenTally } from './token-tally.ts';
import { withVouchers } from './vouchers.ts';

/** What a token service is made of. */
export interface TokenServiceParts {
  /** Verifies external tokens, revocations included; undefined: there are no issuers. */
  readonly external: VerificationCache | undefined;
  /** What external tokens are judged by; undefined: there are no issuers. */
  readonly policy: TrustPolicyOptions | undefined;
  /** Verifies Txn-Tokens, revocations included. */
  readonly txn: VerificationCache;
  /** Verifies vouchers, revocations included; undefined: there are none. */
  readonly voucher: Verifier | undefined;
  /** Signs, and says what is published. */
  readonly minter: Pick<TxnMinter, 'mint' | 'replace' | 'issueVoucher' | 'redeemVoucher'>;
  readonly jwks: () => Promise<{ readonly keys: readonly object[] }>;
  /** Takes tokens back; undefined: nobody can. */
  readonly revocations: Pick<Revocations, 'revoke'> | undefined;
  /** Throws while too little is known of revocations. */
  readonly assertFresh: () => void;
  readonly spent: SpentTokens;
  readonly tally: TokenTally;
  readonly logger: Logger;
  readonly clock: Clock;
}

/** Builds what answers the requests. @throws ConfigError for files that cannot be used */
export function createTokenService(config: GatewayConfig, parts: TokenServiceParts): RequestListener {
  const section = config.tokenService!;
  const { external, txn, voucher, assertFresh, revocations, tally, logger, minter, spent } = parts;
  const { limits } = section;
  const deferredForMs = longestDeferralMs(config.routes);
  const verifyEnded = deferredForMs > 0 && parts.policy !== undefined ? createVerifyEnded(parts.policy) : undefined;
  const { trustDomain } = config.txnToken!;
  const subjects = createSubjects({ external, txn, voucher, assertFresh });
  const onIssued = (kind: SubjectKind): void => tally.issuedFor(kind);
  const { vouchers } = section;
  const exchangeWith = (by: Subjects): Exchange => {
    const plain = createExchange({ trustDomain, subjects: by, minter, onIssued });
    if (vouchers === undefined) return plain;
    return withVouchers(plain, { section: vouchers, trustDomain, subjects: by, minter, spent, onIssued });
  };
  const endpoints = createEndpoints({
    paths: endpointPaths(section.issuer),
    metadata: metadataOf(section, revocations !== undefined),
    jwks: parts.jwks,
    authenticate: createAuthenticate(openClients(config, parts)),
    exchange: exchangeWith(subjects),
    introspect: createIntrospect(subjects),
    revoke: revocations && createRevoke({ subjects, revocations, deferredForMs, verifyEnded }),
    batchExchange: createBatchExchange(exchangeWith(gatherSubjects(subjects)), limits.batchItems),
    batchVerify: createBatchVerify(subjects, limits.batchItems),
    batchBytes: limits.batchBytes,
    onItems: (count) => {
      tally.batchItems += count;
    },
  });
  return createHandler({
    endpoints,
    maxConcurrent: limits.concurrent,
    maxBufferedBytes: Math.max(limits.concurrent * 65_536, 4 * limits.batchBytes),
    tally,
    onRefused: (endpoint, error) => logRefusal(logger, endpoint, error),
  });
}

// By which rule, for operators only; never a value of the request (invariant 5).
function logRefusal(logger: Logger, endpoint: string, { code, message, cause }: OAuthError): void {
  const rule = (cause as { facts?: { rule?: string } } | undefined)?.facts?.rule;
  const why = (cause as { code?: string } | undefined)?.code;
  const fields = { endpoint, error: code, reason: message, rule, why };
  if (code === 'server_error') logger.error(fields, 'token service failed');
  else if (code === 'temporarily_unavailable') logger.warn(fields, 'token service unavailable');
  else logger.info(fields, 'token service refused');
}
