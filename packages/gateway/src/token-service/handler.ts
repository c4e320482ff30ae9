/** From an HTTP request to an endpoint and back: bounds first, and an answer in every case. */
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { Bodies } from './bodies.ts';
import type { Endpoint } from './endpoints.ts';
import { type OAuthError, assertOAuth, toOAuthError } from './oauth-error.ts';
import type { TokenTally } from './token-tally.ts';

/** What a handler needs. */
export interface HandlerOptions {
  readonly endpoints: ReadonlyMap<string, Endpoint>;
  /** Most requests in hand; one more is refused with 503. */
  readonly maxConcurrent: number;
  /** Most bytes of bodies that are not complete yet. */
  readonly maxBufferedBytes: number;
  readonly tally: TokenTally;
  /** Is told of refusals: the cause is for operators. */
  readonly onRefused: (endpoint: string, error: OAuthError) => void;
}

/** Builds the listener of a server. */
export function createHandler(options: HandlerOptions): RequestListener {
  const { endpoints, tally } = options;
  const bodies = new Bodies(options.maxBufferedBytes);
  return (request, response) => {
    const [path = '', ...query] = request.url!.split('?');
    const endpoint = endpoints.get(path);
    if (endpoint === undefined) {
      request.resume();
      tally.answered('none', 404);
      return write(response, 404, { error: 'invalid_request', error_description: 'There is nothing here' });
    }
    if (request.method !== endpoint.method && !(request.method === 'HEAD' && endpoint.method === 'GET')) {
      request.resume();
      tally.answered(endpoint.name, 405);
      const body = { error: 'invalid_request', error_description: `Only ${endpoint.method} is accepted` };
      return write(response, 405, body, { allow: endpoint.method });
    }
    void serve(endpoint, request, response, query.length > 0, options, bodies);
  };
}

async function serve(
  endpoint: Endpoint,
  request: IncomingMessage,
  response: ServerResponse,
  hasQuery: boolean,
  { maxConcurrent, tally, onRefused }: HandlerOptions,
  bodies: Bodies,
): Promise<void> {
  let isRunning = false;
  try {
    // RFC 6749 sections 2.3.1 and 3.2: parameters go into the body, where no log writes them down.
    assertOAuth(!hasQuery || endpoint.method === 'GET', 'invalid_request', 'Parameters must be in the body');
    const body = await readBody(request, endpoint, bodies);
    // Only now: a body that does not come to an end, from whoever it is, must not take the place of one that does.
    assertOAuth(tally.running < maxConcurrent, 'temporarily_unavailable', 'Too many requests at a time');
    tally.running += 1;
    isRunning = true;
    const content = await endpoint.answer(request, body);
    tally.answered(endpoint.name, 200);
    write(response, 200, content, { 'cache-control': endpoint.cacheControl });
  } catch (thrown) {
    const error = toOAuthError(thrown);
    tally.answered(endpoint.name, error.status);
    tally.refused(endpoint.name, error.code);
    onRefused(endpoint.name, error);
    request.resume();
    write(response, error.status, error.body(), refusalHeaders(error, request));
  } finally {
    if (isRunning) tally.running -= 1;
  }
}

function refusalHeaders({ code, status }: OAuthError, request: IncomingMessage): Record<string, string> {
  if (status === 503) return { 'retry-after': '1' };
  // Whatever is left of the body is not waited for.
  if (status === 413) return { connection: 'close' };
  // RFC 6749 section 5.2: to whoever used the Authorization header, in the scheme that was used.
  if (code !== 'invalid_client' || request.headers.authorization === undefined) return {};
  return { 'www-authenticate': 'Basic realm="watchword", charset="UTF-8"' };
}

async function readBody(request: IncomingMessage, { bodyType, maxBytes }: Endpoint, bodies: Bodies): Promise<Uint8Array> {
  if (bodyType === undefined) {
    request.resume();
    return new Uint8Array();
  }
  const { 'content-type': type = '', 'content-encoding': encoding } = request.headers;
  const [essence = '', ...parameters] = type.split(';').map((part) => part.trim().toLowerCase());
  const isRight = essence === bodyType && parameters.every((parameter) => /^charset="?utf-8"?$/.test(parameter));
  assertOAuth(isRight && encoding === undefined, 'invalid_request', `The body must be ${bodyType}`);
  return bodies.read(request, maxBytes);
}

function write(response: ServerResponse, status: number, body: object, headers: Record<string, string> = {}): void {
  // The client may have gone, or have been cut off, while its request was in hand.
  if (response.headersSent || response.destroyed) return;
  const text = JSON.stringify(body);
  response.writeHead(status, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(text),
    'x-content-type-options': 'nosniff',
    // RFC 6749 section 5.1, D11.
    ...(headers['cache-control']?.startsWith('public') ? {} : { 'cache-control': 'no-store', pragma: 'no-cache' }),
    ...headers,
  });
  response.end(text);
}
