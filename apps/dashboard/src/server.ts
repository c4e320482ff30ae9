/** The server of the dashboard: the page, and what it shows of the gateways. Answers to this machine only, changes nothing. */
import { type IncomingMessage, type Server, type ServerResponse, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type Asset, PAGE_DIRECTORY, readAssets } from './assets.ts';
import { type Collector, createCollector } from './collector.ts';
import { contentSecurityPolicy } from './page-policy.ts';
import type { DashboardState } from './view.ts';

/** A gateway to show. */
export interface GatewayTarget {
  /** What people call it. */
  readonly name: string;
  /** Origin of its control listener, such as `http://127.0.0.1:9090`. */
  readonly origin: string;
}

/** What to show, and where. */
export interface DashboardOptions {
  readonly gateways: readonly GatewayTarget[];
  /** On 127.0.0.1; 0: any free one. */
  readonly port: number;
  /** Default: one second. */
  readonly everyMs?: number;
  /** Default: the built page of this package. */
  readonly pageDirectory?: string;
  readonly clock?: () => number;
  readonly fetch?: typeof globalThis.fetch;
}

/** A running dashboard. */
export interface Dashboard {
  readonly url: string;
  close(): Promise<void>;
}

/** Pages, all of them in one file: the page looks at its address. */
const PAGES: ReadonlySet<string> = new Set(['/', '/plan', '/inspect']);

/** Starts. Resolves when it listens and has looked at each gateway once. @throws Error when the port is taken */
export async function startDashboard(options: DashboardOptions): Promise<Dashboard> {
  const { gateways, port, everyMs = 1_000, clock = Date.now, fetch = globalThis.fetch } = options;
  const collectors = gateways.map(({ name, origin }) => createCollector({ name, origin, clock, fetch }));
  const assets = readAssets(options.pageDirectory ?? PAGE_DIRECTORY);
  const server = createServer((request, response) => answer(request, response, { assets, collectors, clock }));
  await listen(server, port);
  await Promise.all(collectors.map((collector) => collector.collect()));
  const timer = setInterval(() => collectors.forEach((collector) => void collector.collect()), everyMs);
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    async close() {
      clearInterval(timer);
      server.closeAllConnections();
      await new Promise<void>((resolve) => void server.close(() => resolve()));
    },
  };
}

interface Context {
  readonly assets: ReadonlyMap<string, Asset>;
  readonly collectors: readonly Collector[];
  readonly clock: () => number;
}

function answer(request: IncomingMessage, response: ServerResponse, context: Context): void {
  request.resume();
  // What is no address must not end the process: any page in the browser can ask for `//`.
  const url = URL.parse(request.url ?? '/', 'http://localhost');
  if (!isOwnName(request.headers.host ?? '')) return write(response, 403, text('This dashboard is for its own machine'));
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    response.setHeader('allow', 'GET, HEAD');
    return write(response, 405, text('There is nothing to change here'));
  }
  if (url === null) return write(response, 400, text('That is no address'));
  if (url.pathname === '/api/gateways') return write(response, 200, json(stateOf(context, url.searchParams)));
  const asset = context.assets.get(PAGES.has(url.pathname) ? '/index.html' : url.pathname);
  if (asset !== undefined) {
    response.setHeader('content-security-policy', contentSecurityPolicy(url.pathname));
    return write(response, 200, asset);
  }
  if (PAGES.has(url.pathname)) return write(response, 503, text('The page has not been built. In the repository: npm run build'));
  return write(response, 404, text('There is no such page'));
}

// A page elsewhere whose name was made to point here asks for that name (DNS rebinding).
function isOwnName(host: string): boolean {
  return /^(127\.0\.0\.1|localhost|\[::1\])(:\d+)?$/i.test(host);
}

function stateOf({ collectors, clock }: Context, parameters: URLSearchParams): DashboardState {
  const afterMs = Number(parameters.get('after') ?? 0);
  return { nowMs: clock(), gateways: collectors.map((collector) => collector.view(afterMs)) };
}

function json(body: object): Asset {
  return { type: 'application/json', body: Buffer.from(JSON.stringify(body)), immutable: false };
}

function text(body: string): Asset {
  return { type: 'text/plain; charset=utf-8', body: Buffer.from(`${body}\n`), immutable: false };
}

function write(response: ServerResponse, status: number, { type, body, immutable }: Asset): void {
  response.writeHead(status, {
    'content-type': type,
    'content-length': body.length,
    'cache-control': immutable ? 'public, max-age=31536000, immutable' : 'no-store',
    'x-content-type-options': 'nosniff',
    'referrer-policy': 'no-referrer',
    'cross-origin-resource-policy': 'same-origin',
    'cross-origin-opener-policy': 'same-origin',
  });
  response.end(body);
}

function listen(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      reject(error.code === 'EADDRINUSE' ? new Error(`127.0.0.1:${port} is already in use`) : error);
    });
    server.listen(port, '127.0.0.1', resolve);
  });
}
