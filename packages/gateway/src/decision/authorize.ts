/** Third stage: whether this caller may use this route. Evaluated on every request, never cached (invariant 1). */
import { type VerifiedToken, authorize } from '@watchword/core';
import type { Route } from '../routing/route.ts';

/** The stage. @throws WatchwordError `scope_insufficient` */
export type AuthorizeStage = (token: VerifiedToken, route: Route) => void;

/** Builds the stage. */
export function createAuthorizeStage(): AuthorizeStage {
  return (token, route) => authorize(token, route.requirement);
}
