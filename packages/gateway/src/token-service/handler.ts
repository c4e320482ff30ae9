/** From an HTTP request to an endpoint and back: bounds first, and an answer in every case. */
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import type { Endpoint } from './endpoints.ts';
import { OAuthError, assertOAuth, toOAuthError } from './oauth-error.ts';
import type { TokenTally } from './token-tally.ts';

/** What a handler needs. */
export interface HandlerOptions {
  readonly endpoints: ReadonlyMap<string, Endpoint>;
  /** Most requests in hand; one more is refused with 503. */
  readonly maxConcurrent: number;
  readonly tally: TokenTally;
  /** Is told of refusals: the cause is for operators. */
  readonly onRefused: (endpoint: string, error: OAuthError) => void;
}

/** Builds the listener of a server. */
export function createHandler(options: HandlerOptions): RequestListener {
  const { endpoints, tally } = options;
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
    void serve(endpoint, request, response, query.length > 0, options);
  };
}

async function serve(
  endpoint: Endpoint,
  request: IncomingMessage,
  response: ServerResponse,
  hasQuery: boolean,
  { maxConcurrent, tally, onRefused }: HandlerOptions,
): Promise<void> {
  tally.running += 1;
  try {
    assertOAuth(tally.running <= maxConcurrent, 'temporarily_unavailable', 'Too many requests at a time');
    // RFC 6749 sections 2.3.1 and 3.2: parameters go into the body, where no log writes them down.
    assertOAuth(!hasQuery || endpoint.method === 'GET', 'invalid_request', 'Parameters must be in the body');
    const content = await endpoint.answer(request, await readBody(request, endpoint));
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
    tally.running -= 1;
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

async function readBody(request: IncomingMessage, { bodyType, maxBytes }: Endpoint): Promise<Uint8Array> {
  if (bodyType === undefined) {
    request.resume();
    return new Uint8Array();
  }
  const { 'content-type': type = '', 'content-encoding': encoding } = request.headers;
  const [essence = '', ...parameters] = type.split(';').map((part) => part.trim().toLowerCase());
  const isRight = essence === bodyType && parameters.every((parameter) => /^charset="?utf-8"?$/.test(parameter));
  assertOAuth(isRight && encoding === undefined, 'invalid_request', `The body must be ${bodyType}`);
  assertFits(Number(request.headers['content-length'] ?? 0), maxBytes);
  const chunks: Buffer[] = [];
  let length = 0;
  try {
    // Left early it would close the connection, and nobody would hear why.
    for await (const chunk of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
      length += chunk.length;
      assertFits(length, maxBytes);
      chunks.push(chunk);
    }
  } catch (thrown) {
    throw thrown instanceof OAuthError ? thrown : new OAuthError('invalid_request', 'The request was cut off');
  }
  return Buffer.concat(chunks);
}

function assertFits(length: number, maxBytes: number): void {
  if (length > maxBytes) throw new OAuthError('invalid_request', `The body is longer than ${maxBytes} bytes`, { status: 413 });
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
