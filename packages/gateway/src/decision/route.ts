/** First stage: which route is meant. Everything that has none is refused (deny by default). */
import { canonicalHost } from '../routing/canonical-host.ts';
import { canonicalPath } from '../routing/canonical-path.ts';
import type { Route } from '../routing/route.ts';
import type { Router } from '../routing/router.ts';
import { type DecisionRequest, Refusal } from './decision.ts';

/** The route together with the path it was found by. */
export interface Routed {
  readonly route: Route;
  readonly canonicalPath: string;
}

/** The stage. @throws WatchwordError `request_malformed`, `route_unknown`, `method_not_allowed` */
export type RouteStage = (request: DecisionRequest) => Routed;

/** Builds the stage over a route table. */
export function createRouteStage(router: Router): RouteStage {
  return ({ method, host, target }) => {
    const path = canonicalPath(target);
    const match = router.find(method, canonicalHost(host), path);
    if (match.kind === 'found') return { route: match.route, canonicalPath: path };
    if (match.kind === 'none') throw new Refusal('route_unknown', 'No route has this host and path');
    throw new Refusal('method_not_allowed', 'The route does not accept this method', { allow: match.allow });
  };
}
