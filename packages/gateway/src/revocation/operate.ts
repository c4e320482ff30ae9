/** What operators see of revocations, and do with them. */
import { type Clock, systemClock } from '@watchword/core';
import type { GatewayConfig } from '../config/config.ts';
import { longestDeferralMs } from '../config/sections/deferred.ts';
import { type RevocationEndpoint, createRevocationEndpoint } from '../control/revocation-endpoint.ts';
import type { RevocationMetricSource } from '../control/revocation-metrics.ts';
import type { Logger } from '../logger.ts';
import type { RevocationGuard } from './guard.ts';

/** Builds `POST /revocations`. */
export function createEndpoint(
  guard: RevocationGuard,
  { issuers, txnToken, routes }: GatewayConfig,
  logger: Logger,
  clock: Clock = systemClock,
): RevocationEndpoint {
  const names = issuers.map(({ issuer }) => issuer);
  if (txnToken !== undefined) names.push(txnToken.trustDomain);
  return createRevocationEndpoint({
    revocations: guard,
    issuers: new Set(names),
    deferredForMs: longestDeferralMs(routes),
    clock,
    onRevoked(issuer, target, isStored) {
      // Whose tokens and by what, for the record; the id itself is a claim value (E12).
      if (isStored) logger.info({ issuer, target }, 'revoked');
      else logger.warn({ issuer, target }, 'revoked here, but not stored yet');
    },
  });
}

/** The numbers for the metrics. */
export function metricsOf(guard: RevocationGuard): RevocationMetricSource {
  return { stats: () => guard.revocations.stats(), acceptedWhileStale: () => guard.acceptedWhileStale };
}
