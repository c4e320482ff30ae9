/** A gateway whose tokens can be revoked, and a caller. */
import type { GatewayDependencies } from '../../src/index.ts';
import { type TestEdge, startEdge } from './edge.ts';
import { ISSUER } from './identity-provider.ts';
import { startUpstream } from './upstream.ts';

export const REVOCATION_ROUTES: object[] = [
  { path: '/strict/*', upstream: 'main' },
  { path: '/lenient/*', upstream: 'main', revocation: { whenStale: 'accept' } },
  { path: '/public/*', upstream: 'main', public: true },
];

export interface RevokingEdge extends TestEdge {
  /** Asks the control listener. */
  revoke(body: unknown, headers?: Record<string, string>): Promise<Response>;
  /** The status of a call with this token. */
  call(token: string, path?: string): Promise<number>;
}

export async function startRevokingEdge(
  log: object,
  overrides: Record<string, unknown> = {},
  dependencies: GatewayDependencies = {},
): Promise<RevokingEdge> {
  const upstream = await startUpstream();
  const revocation = { log, staleAfterMs: 2000 };
  const edge = await startEdge(upstream.url, { routes: REVOCATION_ROUTES, revocation, ...overrides }, dependencies);
  return {
    ...edge,
    revoke: (body, headers = { 'content-type': 'application/json' }) =>
      fetch(`${edge.control}/revocations`, {
        method: 'POST',
        headers,
        body: typeof body === 'string' ? body : JSON.stringify(body),
      }),
    call: async (token, path = '/strict/x') => {
      const response = await fetch(`${edge.url}${path}`, { headers: { authorization: `Bearer ${token}` } });
      await response.arrayBuffer();
      return response.status;
    },
  };
}

/** Revokes one token of the test issuer for an hour. */
export function byJti(jti: string): object {
  return { issuer: ISSUER, jti, expiresInSeconds: 3600 };
}
