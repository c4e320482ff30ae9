/** The decision stages of one generation. */
import { type TxnMinter, type VerificationCache, WatchwordError } from '@watchword/core';
import { createAuthenticateStage } from '../decision/authenticate.ts';
import { createAuthorizeStage } from '../decision/authorize.ts';
import type { Stages } from '../decision/decide.ts';
import { createExchangeStage } from '../decision/exchange.ts';
import { createRouteStage } from '../decision/route.ts';
import type { PossessionGuard } from '../possession.ts';
import type { RevocationGuard } from '../revocation/guard.ts';
import type { Route } from '../routing/route.ts';
import { createRouter } from '../routing/router.ts';

/** Puts them together. What the configuration does not have refuses. */
export function composeStages(
  routes: readonly Route[],
  cache: VerificationCache | undefined,
  minter: TxnMinter | undefined,
  guard: RevocationGuard | undefined,
  possession: PossessionGuard | undefined,
): Stages {
  return {
    route: createRouteStage(createRouter(routes)),
    // Without issuers every route is public (checked with the configuration); should one not be, it refuses.
    authenticate: cache === undefined ? unconfigured : createAuthenticateStage(cache, possession),
    authorize: createAuthorizeStage(guard),
    exchange: minter === undefined ? unconfigured : createExchangeStage(minter),
  };
}

function unconfigured(): never {
  throw new WatchwordError('internal');
}
