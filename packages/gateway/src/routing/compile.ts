/** From the routes of a configuration to those that are looked up. */
import { type FreshnessRequirement, readFreshness } from '@watchword/core';
import type { GatewayConfig, RevocationConfig, RouteConfig } from '../config/config.ts';
import { DEFAULT_MAX_AGE_SECONDS } from '../config/sections/deferred.ts';
import type { Route } from './route.ts';

/** Compiles the route table. */
export function compileRoutes(config: GatewayConfig): readonly Route[] {
  return config.routes.map((route, index) =>
    Object.freeze({
      index,
      path: route.path,
      host: route.host,
      methods: route.methods,
      upstream: route.upstream,
      public: route.public,
      requirement: Object.freeze(route.scopes === undefined ? {} : { scopes: route.scopes }),
      freshness: config.revocation === undefined ? undefined : readFreshness(freshnessOf(config.revocation, route)),
      reuse: route.reuse === 'window',
      stream: route.stream,
      upgrade: route.upgrade,
      deferredForMs: route.verification === 'deferred' ? (route.maxAgeSeconds ?? DEFAULT_MAX_AGE_SECONDS) * 1000 : undefined,
      streams: route.streams,
    }),
  );
}

function freshnessOf(section: RevocationConfig, { revocation = {} }: RouteConfig): Required<FreshnessRequirement> {
  return {
    staleAfterMs: revocation.staleAfterMs ?? section.staleAfterMs,
    whenStale: revocation.whenStale ?? section.whenStale,
  };
}
