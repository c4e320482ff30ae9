/** What one route says about its callers. */
import { type Requirement, assertConfig } from '@watchword/core';
import { assertRequirement } from '@watchword/http';

/** `config.watchword` of a route. Without it the route needs an admitted caller with any scopes. */
export interface WatchwordRouteConfig extends Requirement {
  /** Lets everybody in, on nobody's behalf. Excludes `scopes`. Default: false. */
  readonly public?: boolean;
}

/** Reads the part of a route's config that concerns us. @throws WatchwordError `config_invalid` naming the route */
export function routeConfig(config: unknown, route: string): WatchwordRouteConfig {
  const ours = (config as { watchword?: unknown } | undefined)?.watchword;
  if (ours === undefined) return {};
  assertRequirement(ours, ['public', 'scopes'], `${route}: config.watchword`);
  const checked = ours as WatchwordRouteConfig;
  assertConfig(
    checked.public === undefined || typeof checked.public === 'boolean',
    `${route}: config.watchword.public: must be a boolean`,
  );
  assertConfig(!checked.public || checked.scopes === undefined, `${route}: config.watchword: a public route asks for no scopes`);
  return checked;
}
