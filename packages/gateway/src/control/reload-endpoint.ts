/** `POST /reload`: reads the configuration file again. For programs on this machine only. */
import type { IncomingMessage } from 'node:http';
import { ConfigError } from '../config/config-error.ts';
import type { ReloadStats } from '../reload/reload-stats.ts';
import { isLocalCaller } from './local-caller.ts';
import type { EndpointAnswer } from './revocation-endpoint.ts';

/** Handles one request. Never rejects. */
export type ReloadEndpoint = (request: IncomingMessage) => Promise<EndpointAnswer>;

/** Builds the endpoint. */
export function createReloadEndpoint(reload: () => Promise<void>, stats: ReloadStats): ReloadEndpoint {
  return async (request) => {
    if (!isLocalCaller(request)) return problem(403, 'Reloads are taken from programs on this machine only');
    try {
      await reload();
      return { status: 200, type: 'application/json', body: { status: 'applied', config: stats.hash } };
    } catch (error) {
      if (!(error instanceof ConfigError)) return problem(500, KEPT);
      const errors = error.issues.map(({ line, column, path, reason }) => ({ line, column, path, reason }));
      return problem(422, KEPT, { file: error.fileName, errors });
    }
  };
}

const KEPT = 'The new configuration cannot be used; the old one stays in force';

function problem(status: number, detail: string, more: object = {}): EndpointAnswer {
  return { status, type: 'application/problem+json', body: { type: 'about:blank', status, detail, ...more } };
}
