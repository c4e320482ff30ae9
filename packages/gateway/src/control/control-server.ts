/** The listener for operators and for services of the trust domain: health, readiness, metrics, public keys. Not for clients. */
import { type IncomingMessage, type Server, type ServerResponse, createServer } from 'node:http';
import type { Registry } from 'prom-client';
import type { IsOperator } from './operator.ts';
import type { ReloadEndpoint } from './reload-endpoint.ts';
import type { EndpointAnswer, RevocationEndpoint } from './revocation-endpoint.ts';

/** Whether the gateway can do its work. */
export type Readiness =
  | 'ready'
  | 'draining'
  | 'keys_unavailable'
  | 'revocations_unavailable'
  | 'signing_keys_unavailable'
  | 'threads_unavailable';

/** What the listener shows. */
export interface ControlOptions {
  readonly readiness: () => Readiness | Promise<Readiness>;
  readonly metrics: Pick<Registry, 'contentType' | 'metrics' | 'getMetricsAsJSON'>;
  /** The public keys of the Txn-Tokens as a JWK Set. */
  readonly jwks: () => { readonly keys: readonly object[] } | Promise<{ readonly keys: readonly object[] }>;
  /** What takes tokens back now; undefined: nobody can here. */
  readonly revocation: () => RevocationEndpoint | undefined;
  /** Reads the configuration again. */
  readonly reload: ReloadEndpoint;
  /** Who may change something. */
  readonly isOperator: IsOperator;
}

interface Page {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** Services refetch after this; a key is published at least twice as long before it signs (`txnToken.keys`). */
const JWKS_MAX_AGE_SECONDS = 300;

/** Creates the server. It does not listen yet. */
export function createControlServer(options: ControlOptions): Server {
  const pages = pagesOf(options);
  return createServer((request, response) => {
    const path = request.url!.split('?', 1)[0]!;
    const page = pages.get(path);
    const post = path === '/revocations' ? options.revocation() : path === '/reload' ? options.reload : undefined;
    if (post !== undefined) {
      takePost(post, options.isOperator, request, response);
      return;
    }
    request.resume();
    if (page === undefined) write(response, json(404, { status: 'unknown' }));
    else if (request.method !== 'GET' && request.method !== 'HEAD') {
      write(response, { ...json(405, { status: 'method not allowed' }), headers: { allow: 'GET, HEAD' } });
    } else {
      page().then(
        (content) => write(response, content),
        () => write(response, json(500, { status: 'error' })),
      );
    }
  });
}

type Endpoint = (request: IncomingMessage) => Promise<EndpointAnswer>;

function takePost(endpoint: Endpoint, isOperator: IsOperator, request: IncomingMessage, response: ServerResponse): void {
  if (request.method !== 'POST') {
    request.resume();
    write(response, { ...json(405, { status: 'method not allowed' }), headers: { allow: 'POST' } });
    return;
  }
  if (!isOperator(request)) {
    request.resume();
    const page = json(401, { type: 'about:blank', status: 401, detail: 'The secret of the operators is required' });
    const challenge = { 'content-type': 'application/problem+json', 'www-authenticate': 'Bearer realm="watchword control"' };
    write(response, { ...page, headers: { ...page.headers, ...challenge } });
    return;
  }
  answerPost(endpoint, request, response).catch(() => write(response, json(500, { status: 'error' })));
}

async function answerPost(endpoint: Endpoint, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { status, type, body } = await endpoint(request);
  request.resume();
  const page = json(status, body);
  write(response, { ...page, headers: { ...page.headers, 'content-type': type } });
}

function pagesOf({ readiness, metrics, jwks }: ControlOptions): ReadonlyMap<string, () => Promise<Page>> {
  return new Map<string, () => Promise<Page>>([
    ['/healthz', async () => json(200, { status: 'up' })],
    [
      '/readyz',
      async () => {
        const status = await readiness();
        return json(status === 'ready' ? 200 : 503, { status });
      },
    ],
    ['/metrics', async () => ({ status: 200, headers: { 'content-type': metrics.contentType }, body: await metrics.metrics() })],
    [
      '/.well-known/jwks.json',
      async () => ({
        status: 200,
        headers: { 'content-type': 'application/jwk-set+json', 'cache-control': `public, max-age=${JWKS_MAX_AGE_SECONDS}` },
        body: JSON.stringify(await jwks()),
      }),
    ],
  ]);
}

function json(status: number, body: object): Page {
  return {
    status,
    headers: { 'content-type': 'application/json', 'cache-control': 'no-store' },
    body: `${JSON.stringify(body)}\n`,
  };
}

function write(response: ServerResponse, { status, headers, body }: Page): void {
  response.writeHead(status, { 'content-length': Buffer.byteLength(body), ...headers });
  response.end(body);
}
