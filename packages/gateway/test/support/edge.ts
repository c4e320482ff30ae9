/** A gateway in front of one upstream, as most tests want it. */
import { pino } from 'pino';
import { onTestFinished } from 'vitest';
import { type Gateway, type GatewayDependencies, createConfig, startGateway } from '../../src/index.ts';
import { type TestIssuer, createTestIssuer } from './identity-provider.ts';

export interface TestEdge extends Gateway {
  readonly url: string;
  readonly control: string;
  readonly issuer: TestIssuer;
  /** Every log line, parsed. */
  readonly logs: Record<string, unknown>[];
  /** Headers of a caller with a good token. */
  bearer(claims?: object): Record<string, string>;
  metrics(): Promise<string>;
}

export const ROUTES: object[] = [
  { path: '/public/*', upstream: 'main', public: true },
  { path: '/api/*', upstream: 'main' },
  { path: '/admin/*', upstream: 'main', scopes: ['admin'] },
  { path: '/read', upstream: 'main', methods: ['GET'], scopes: ['read'] },
];

export async function startEdge(
  upstreamUrl: string,
  overrides: Record<string, unknown> = {},
  dependencies: GatewayDependencies = {},
): Promise<TestEdge> {
  const issuer = createTestIssuer();
  const { upstream = {}, ...rest } = overrides;
  const config = createConfig({
    listen: { port: 0 },
    control: { port: 0 },
    issuers: [issuer.entry],
    txnToken: { trustDomain: 'inside.example' },
    upstreams: { main: { url: upstreamUrl, ...(upstream as object) } },
    routes: ROUTES,
    ...rest,
  });
  const logs: Record<string, unknown>[] = [];
  const logger = pino({ level: 'debug' }, { write: (line: string) => void logs.push(JSON.parse(line)) });
  const gateway = await startGateway(config, { logger, ...dependencies });
  onTestFinished(() => gateway.close());
  const control = `http://127.0.0.1:${gateway.controlPort}`;
  return {
    ...gateway,
    url: `http://127.0.0.1:${gateway.port}`,
    control,
    issuer,
    logs,
    bearer: (claims) => ({ authorization: `Bearer ${issuer.token(claims)}` }),
    metrics: async () => (await fetch(`${control}/metrics`)).text(),
  };
}
