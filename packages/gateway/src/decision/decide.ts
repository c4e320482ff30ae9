/**
 * The decision pipeline, in order:
 *
 *   route -> authenticate -> authorize -> exchange      (and then the transport forwards, or answers its asker)
 *
 * It knows no transport: HTTP proxying, ext_authz, forward_auth and token exchange are siblings over it.
 */
import { type Authenticated, toWatchwordError } from '@watchword/core';
import type { AuthenticateStage } from './authenticate.ts';
import type { AuthorizeStage } from './authorize.ts';
import { type Decide, Decision, Refusal } from './decision.ts';
import type { ExchangeStage } from './exchange.ts';
import type { Routed, RouteStage } from './route.ts';

/** The stages, in the order a request passes them. */
export interface Stages {
  readonly route: RouteStage;
  readonly authenticate: AuthenticateStage;
  readonly authorize: AuthorizeStage;
  readonly exchange: ExchangeStage;
}

/** Composes the stages. Whatever any of them throws refuses the request (E13). */
export function createDecide(stages: Stages): Decide {
  const conclude = (routed: Routed, { token }: Authenticated): Decision => {
    stages.authorize(token, routed.route);
    return new Decision(routed.route, routed.canonicalPath, token, stages.exchange(token, routed.route));
  };
  return (request) => {
    const routed = stages.route(request);
    if (routed.route.public) return new Decision(routed.route, routed.canonicalPath);
    if (routed.route.deferredForMs !== undefined) {
      if (request.canDefer === true) return new Decision(routed.route, routed.canonicalPath);
      throw new Refusal('route_unknown', 'The route is deferred, and nobody here can defer', { route: routed.route });
    }
    try {
      const result = stages.authenticate(request, routed.canonicalPath);
      return result instanceof Promise ? concludeLater(result, routed, conclude) : conclude(routed, result);
    } catch (thrown) {
      throw refusalBy(routed, thrown);
    }
  };
}

async function concludeLater(
  pending: Promise<Authenticated>,
  routed: Routed,
  conclude: (routed: Routed, authenticated: Authenticated) => Decision,
): Promise<Decision> {
  try {
    return conclude(routed, await pending);
  } catch (thrown) {
    throw refusalBy(routed, thrown);
  }
}

function refusalBy(routed: Routed, thrown: unknown): Refusal {
  const error = toWatchwordError(thrown);
  return new Refusal(error.code, error.message, { route: routed.route, cause: error.code === 'internal' ? error.cause : error });
}
