/** A request as undici hands it to a dispatcher, as one of node:http2. */
import type { OutgoingHttpHeaders } from 'node:http2';
import { Readable } from 'node:stream';

/** The options of a dispatch that matter here; undici's own fit. */
export interface UndiciRequest {
  readonly path: string;
  readonly method: string;
  readonly body?: unknown;
  readonly headers?: unknown;
  readonly query?: object | null;
  readonly upgrade?: unknown;
  /** Milliseconds until the response begins, and between its parts. Default 300,000, as in undici; 0: no limit. */
  readonly headersTimeout?: number | null;
  readonly bodyTimeout?: number | null;
}

/** The same for node:http2. */
export interface ReadRequest {
  readonly headers: OutgoingHttpHeaders;
  readonly body: Readable | Uint8Array | null;
}

// Of one connection only (RFC 9113 section 8.2.2), or decided by the dispatcher.
const DROPPED = new Set([
  'host',
  'connection',
  'keep-alive',
  'proxy-connection',
  'transfer-encoding',
  'upgrade',
  'http2-settings',
  'te',
  'expect',
]);

/** Reads a request. @param origin what the dispatcher is connected to @throws TypeError for what HTTP/2 cannot carry */
export function readRequest(origin: string, { path, method, headers, body, query, upgrade }: UndiciRequest): ReadRequest {
  // A path that is a whole URL is for proxies; an upgrade is for HTTP/1.1.
  if (typeof path !== 'string' || !path.startsWith('/')) throw new TypeError('path: must start with a slash');
  if (method === 'CONNECT' || upgrade) throw new TypeError('method: CONNECT and upgrades are not carried');
  const { host, protocol } = new URL(origin);
  const fields: OutgoingHttpHeaders = {
    ':method': method,
    ':scheme': protocol.slice(0, -1),
    ':authority': host,
    ':path': query ? `${path}?${new URLSearchParams(query as Record<string, string>)}` : path,
  };
  for (const [name, value] of entriesOf(headers)) addField(fields, String(name).toLowerCase(), value);
  const content = readBody(body);
  if (content instanceof Uint8Array) fields['content-length'] = String(content.byteLength);
  return { headers: fields, body: content };
}

function addField(fields: OutgoingHttpHeaders, name: string, value: unknown): void {
  if (value === undefined || value === null || DROPPED.has(name) || name.startsWith(':')) return;
  const earlier = fields[name];
  const values = [earlier ?? [], value as string].flat().map(String);
  fields[name] = values.length === 1 ? values[0] : values;
}

// All the shapes that undici takes: a record, a flat list, pairs, and what iterates over pairs.
function entriesOf(headers: unknown): Iterable<[string, unknown]> {
  if (headers === null || headers === undefined) return [];
  if (Array.isArray(headers) && !Array.isArray(headers[0])) return pairsOf(headers);
  return Symbol.iterator in Object(headers) ? (headers as Iterable<[string, string]>) : Object.entries(headers);
}

function* pairsOf(flat: readonly unknown[]): Generator<[string, unknown]> {
  for (let index = 0; index < flat.length; index += 2) yield [String(flat[index]), flat[index + 1]];
}

function readBody(body: unknown): ReadRequest['body'] {
  if (body === null || body === undefined || body === '') return null;
  if (typeof body === 'string') return Buffer.from(body);
  if (body instanceof ArrayBuffer) return new Uint8Array(body);
  if (ArrayBuffer.isView(body)) return new Uint8Array(body.buffer, body.byteOffset, body.byteLength);
  if (body instanceof Readable) return body;
  if (body instanceof Blob) return Readable.from(body.stream());
  if (Symbol.asyncIterator in Object(body) || Symbol.iterator in Object(body))
    return Readable.from(body as AsyncIterable<Uint8Array>, { objectMode: false });
  throw new TypeError('body: must be text, bytes, a stream or an iterable of bytes');
}
