/** Third stage: whether this caller may use this route. Evaluated on every request, never cached (invariant 1). */
import { type VerifiedToken, authorize } from '@watchword/core';
import type { RevocationGuard } from '../revocation/guard.ts';
import type { Route } from '../routing/route.ts';

/** The stage. @throws WatchwordError `revocation_unavailable`, `scope_insufficient` */
export type AuthorizeStage = (token: VerifiedToken, route: Route) => void;

/** Builds the stage. `guard` is there when tokens can be revoked: how current that must be known is each route's choice. */
export function createAuthorizeStage(guard?: Pick<RevocationGuard, 'assertFresh'>): AuthorizeStage {
  return (token, route) => {
    guard?.assertFresh(route);
    authorize(token, route.requirement);
  };
}
