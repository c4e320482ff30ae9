/**
 * An undici dispatcher over node:http2, one for each origin of an `Agent`. undici's own HTTP/2 client opens its sessions with
 * settings of its own and passes no `maxDeflateDynamicTableSize`, so its header table stays at 4096 octets whatever the server
 * allows: with more than a handful of callers no token stays indexed.
 */
import { EventEmitter } from 'node:events';
import type { ClientHttp2Session, ClientSessionOptions, SecureClientSessionOptions } from 'node:http2';
import { assertConfig } from '@watchword/core';
import { watchHeaders } from './header-watch.ts';
import { type IndexingOptions, createIndexing } from './indexing.ts';
import { assertCount, assertNames } from './options.ts';
import { createSessions } from './sessions.ts';
import { type Traffic, tableSettingsFor } from './tables.ts';
import { Exchange, type UndiciHandler } from './undici-exchange.ts';
import { type UndiciRequest, readRequest } from './undici-request.ts';

/** Options of {@link createDispatcherFactory}. */
export interface Http2DispatcherOptions extends IndexingOptions {
  /** What a connection carries. */
  readonly traffic: Traffic;
  /** Whether requests may carry `Authorization`. Default `strip`: the external token cannot go past the edge. */
  readonly authorization?: 'strip' | 'keep';
  /** Octets of header fields from which on to warn, if the receiver does not allow less. Default 16 KiB. */
  readonly headerBudgetBytes?: number;
  /** More options of `http2.connect`: certificates, limits. */
  readonly session?: ClientSessionOptions | SecureClientSessionOptions;
  /** Called with each new connection. */
  readonly onConnect?: (session: ClientHttp2Session, origin: string) => void;
}

/** What an undici `Agent` asks of the dispatchers that its `factory` makes. */
export interface Http2Dispatcher extends EventEmitter {
  readonly closed: boolean;
  readonly destroyed: boolean;
  dispatch(request: UndiciRequest, handler: UndiciHandler): boolean;
  close(): Promise<void>;
  destroy(error?: Error | null): Promise<void>;
}

const KNOWN = ['traffic', 'index', 'neverIndex', 'authorization', 'headerBudgetBytes', 'session', 'onConnect'];

/**
 * For `new Agent({ factory })` of undici 8. The agent then speaks HTTP/2 (h2c for `http:`) with every origin, for undici's `fetch`,
 * `request` and `stream`, and below any interceptor: `agent.compose(propagate(propagator))` of `@watchword/fetch` puts the token on.
 * @throws WatchwordError `config_invalid` naming the option
 */
export function createDispatcherFactory(options: Http2DispatcherOptions): (origin: string | URL) => Http2Dispatcher {
  assertNames(options, KNOWN, 'dispatcher');
  const { authorization = 'strip', index, neverIndex, session } = options;
  assertConfig(authorization === 'strip' || authorization === 'keep', 'dispatcher.authorization: must be "strip" or "keep"');
  const budgetBytes = assertCount(options.headerBudgetBytes ?? 16_384, 256, 2 ** 24, 'dispatcher.headerBudgetBytes');
  const tables = tableSettingsFor(options.traffic);
  const mark = createIndexing({ ...(index && { index }), ...(neverIndex && { neverIndex }) });
  return (origin) => {
    const place = new URL(origin).origin;
    const sessions = createSessions(tables, session, options.onConnect);
    return new OriginDispatcher(sessions, (request, handler) => {
      const read = readRequest(place, request);
      if (authorization === 'strip') delete read.headers['authorization'];
      const exchange = new Exchange(handler, request);
      if (!exchange.start()) return;
      const connection = sessions.to(place);
      watchHeaders(connection, place, read.headers, { tableBytes: tables.tableBytes, budgetBytes });
      exchange.run(connection.request(mark(read.headers), { endStream: read.body === null }), read.body);
    });
  };
}

class OriginDispatcher extends EventEmitter implements Http2Dispatcher {
  closed = false;
  destroyed = false;
  readonly #sessions: ReturnType<typeof createSessions>;
  readonly #send: (request: UndiciRequest, handler: UndiciHandler) => void;

  constructor(sessions: ReturnType<typeof createSessions>, send: (request: UndiciRequest, handler: UndiciHandler) => void) {
    super();
    this.#sessions = sessions;
    this.#send = send;
  }

  dispatch(request: UndiciRequest, handler: UndiciHandler): boolean {
    try {
      assertOpen(this);
      this.#send(request, handler);
    } catch (thrown) {
      // undici's contract: what goes wrong is told to the handler, once.
      const error = thrown instanceof Error ? thrown : new TypeError('The request could not be sent');
      if (typeof handler.onResponseError !== 'function') throw error;
      queueMicrotask(() => handler.onResponseError?.(null, error));
    }
    // HTTP/2 queues beyond the concurrent streams of the receiver by itself.
    return true;
  }

  close(): Promise<void> {
    this.closed = true;
    return this.#sessions.close();
  }

  async destroy(error?: Error | null): Promise<void> {
    this.closed = true;
    this.destroyed = true;
    this.#sessions.destroy(error ?? undefined);
  }
}

function assertOpen({ closed }: Http2Dispatcher): void {
  if (closed) throw Object.assign(new Error('The client is closed'), { code: 'UND_ERR_CLOSED' });
}
