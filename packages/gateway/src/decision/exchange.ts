/** Fourth stage: the external token is swapped for a Txn-Token. The external one ends here (invariant 10). */
import type { TxnMinter, VerifiedToken } from '@watchword/core';
import type { Route } from '../routing/route.ts';

/** The stage. @throws WatchwordError `mint_failed`, `scope_unknown` */
export type ExchangeStage = (token: VerifiedToken, route: Route) => string;

/**
 * Builds the stage. Scopes are not narrowed to those of the route: the services behind it may need others of the caller's, and
 * the minter never grants more than the subject token has (TT-17).
 */
export function createExchangeStage(minter: TxnMinter): ExchangeStage {
  return (token, route) => minter.mint({ subject: token, reuse: route.reuse });
}
