/** An HTTP/2 client that carries the caller's Txn-Token to allowed destinations, indexed, and the external token to none. */
import { AsyncLocalStorage } from 'node:async_hooks';
import type {
  ClientHttp2Session,
  ClientHttp2Stream,
  ClientSessionOptions,
  ClientSessionRequestOptions,
  OutgoingHttpHeaders,
  SecureClientSessionOptions,
} from 'node:http2';
import { type Propagator, assertConfig, toRecord } from '@watchword/core';
import { watchHeaders } from './header-watch.ts';
import { type IndexingOptions, createIndexing } from './indexing.ts';
import { assertCount, assertNames } from './options.ts';
import { createSessions } from './sessions.ts';
import { type TableSettings, type Traffic, tableSettingsFor } from './tables.ts';

/** Options of {@link createHttp2Client}. */
export interface Http2ClientOptions extends IndexingOptions {
  /** Decides where the token may go. */
  readonly propagator: Propagator;
  /** What a connection carries. */
  readonly traffic: Traffic;
  /**
   * `strip`: no request carries `Authorization`, so that the external token cannot go past the edge. `outside`: destinations that
   * get no Txn-Token may get credentials that the service has of its own. Default `strip`.
   */
  readonly authorization?: 'strip' | 'outside';
  /** Octets of header fields from which on to warn, if the receiver does not allow less. Default 16 KiB, as Node has it. */
  readonly headerBudgetBytes?: number;
  /** More options of `http2.connect`: certificates, limits. */
  readonly session?: ClientSessionOptions | SecureClientSessionOptions;
  /** Called with each new connection: `(session) => meter.watch(session.socket)` counts its octets. */
  readonly onConnect?: (session: ClientHttp2Session, origin: string) => void;
}

/** Makes requests, each origin over one connection. */
export interface Http2Client {
  /** The tables that this client makes use of. */
  readonly tables: TableSettings;
  /**
   * Begins a request. Its events run as the caller in whose context `request` was called. Where it goes is decided by `url` alone:
   * pseudo-header fields and `host` among the headers are replaced; `:method` is GET unless it says otherwise.
   * @throws WatchwordError `context_lost` when the destination is allowed and nobody said on whose behalf the call is made
   */
  request(url: string | URL, headers?: OutgoingHttpHeaders, options?: ClientSessionRequestOptions): ClientHttp2Stream;
  /** Ends the connections after the requests that are on their way. */
  close(): Promise<void>;
  /** Ends them now. */
  destroy(error?: Error): void;
}

const KNOWN = ['propagator', 'traffic', 'index', 'neverIndex', 'authorization', 'headerBudgetBytes', 'session', 'onConnect'];

/** Builds a client. @throws WatchwordError `config_invalid` naming the option */
export function createHttp2Client(options: Http2ClientOptions): Http2Client {
  assertNames(options, KNOWN, 'http2Client');
  const { propagator, authorization = 'strip', index, neverIndex, session: sessionOptions } = options;
  assertConfig(typeof propagator?.inject === 'function', 'http2Client.propagator: make it with createPropagator');
  assertConfig(
    authorization === 'strip' || authorization === 'outside',
    'http2Client.authorization: must be "strip" or "outside"',
  );
  const budgetBytes = assertCount(options.headerBudgetBytes ?? 16_384, 256, 2 ** 24, 'http2Client.headerBudgetBytes');
  const tables = tableSettingsFor(options.traffic);
  const mark = createIndexing({ ...(index && { index }), ...(neverIndex && { neverIndex }) });
  const sessions = createSessions(tables, sessionOptions, options.onConnect);
  return {
    tables,
    request(to, headers = {}, requestOptions) {
      const url = typeof to === 'string' ? new URL(to) : to;
      const fields = addressed(url, headers);
      const isInside = propagator.inject(url, toRecord(fields as Record<string, string>)) || propagator.allows(url);
      if (authorization === 'strip' || isInside) delete fields['authorization'];
      const session = sessions.to(url.origin);
      watchHeaders(session, url.origin, fields, { tableBytes: tables.tableBytes, budgetBytes });
      return inContext(session.request(mark(fields), requestOptions));
    },
    close: () => sessions.close(),
    destroy: (error) => sessions.destroy(error),
  };
}

// Fields of one connection mean nothing on the next, and are errors in HTTP/2 (RFC 9113 section 8.2.2).
const REPLACED = new Set([
  ':authority',
  ':scheme',
  ':path',
  'host',
  'connection',
  'keep-alive',
  'proxy-connection',
  'transfer-encoding',
  'upgrade',
  'http2-settings',
]);

// What is decided on is what is called.
function addressed(url: URL, headers: OutgoingHttpHeaders): OutgoingHttpHeaders {
  const fields: OutgoingHttpHeaders = {
    ':method': headers[':method'] ?? 'GET',
    ':scheme': url.protocol.slice(0, -1),
    ':authority': url.host,
    ':path': url.pathname + url.search,
  };
  for (const key of Reflect.ownKeys(headers) as string[]) {
    const name = typeof key === 'string' ? key.toLowerCase() : key;
    if (!REPLACED.has(name)) fields[name] = headers[key];
  }
  return fields;
}

// Events of a stream come from the socket, in the context of whoever opened it (D5).
function inContext(stream: ClientHttp2Stream): ClientHttp2Stream {
  const restore = AsyncLocalStorage.snapshot();
  const emit = stream.emit;
  // Not written where it is assigned: V8 puts such functions among old objects at once, and what they hold stays for long.
  const inScope = (...event: Parameters<typeof emit>): boolean => restore(() => Reflect.apply(emit, stream, event) as boolean);
  stream.emit = inScope;
  return stream;
}
