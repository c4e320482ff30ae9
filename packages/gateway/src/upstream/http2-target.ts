/** HTTP/2: a few connections with many requests at a time on each. */
import type { ClientHttp2Session, OutgoingHttpHeaders, SecureClientSessionOptions, Settings } from 'node:http2';
import {
  type HopMeter,
  type TableSettings,
  clientOptions,
  createIndexing,
  tableSettingsFor,
  watchHeaders,
} from '@watchword/http2';
import type { UpstreamConfig } from '../config/config.ts';
import { Http2Connection } from './http2-connection.ts';
import { Http2Exchange } from './http2-exchange.ts';
import type { RequestForm } from './http2-headers.ts';
import type { Exchange, Target, TargetRequest } from './target.ts';
import type { UpstreamTls } from './tls.ts';

/** What the connections tell. */
export interface Http2TargetObserver {
  /** Counts the octets of the connections. */
  readonly hop: HopMeter;
  /** `capacity` is another one: the peer said how many streams it takes. */
  capacityChanged(): void;
  /** The peer allows a smaller header table than the callers need (HP-1). */
  tableTooSmall(allowedBytes: number, wantedBytes: number): void;
}

/** Opens no connection yet: they are made when they are needed. */
export function createHttp2Target(url: string, config: UpstreamConfig, tls: UpstreamTls, observer: Http2TargetObserver): Target {
  return new Http2Target(url, config, tls, observer);
}

// What one stream may send ahead of a client that does not take it, and what all of one connection may.
const STREAM_WINDOW_BYTES = 262_144;
const CONNECTION_WINDOW_BYTES = 4_194_304;

// Frames are small and wait for each other: without the first, for 40 ms.
const SOCKET_OPTIONS = { noDelay: true, keepAlive: true, keepAliveInitialDelay: 30_000 };

// What Node and most others take, unless they say otherwise (ND-8).
const USUAL_HEADER_BYTES = 16_384;

class Http2Target implements Target {
  readonly hasTrailers = true;
  readonly #url: string;
  readonly #config: UpstreamConfig;
  readonly #observer: Http2TargetObserver;
  readonly #options: SecureClientSessionOptions;
  readonly #tableBytes: number;
  readonly #form: RequestForm;
  readonly #watch = (session: ClientHttp2Session, headers: OutgoingHttpHeaders): void => {
    const limits = { tableBytes: this.#tableBytes, budgetBytes: USUAL_HEADER_BYTES };
    watchHeaders(session, this.#observer.hop.hop, headers, limits);
  };
  readonly #connections = new Set<Http2Connection>();
  // Those that take nothing new but have not ended.
  readonly #leaving = new Set<Http2Connection>();
  #streamsAllowed: number;
  #isClosed = false;

  constructor(url: string, config: UpstreamConfig, tls: UpstreamTls, observer: Http2TargetObserver) {
    this.#url = url;
    this.#config = config;
    this.#observer = observer;
    this.#streamsAllowed = config.maxConcurrentStreams;
    this.#form = { authority: new URL(url).host, protocol: config.protocol, index: createIndexing() };
    const tables = tablesFor(config);
    this.#tableBytes = tables.tableBytes;
    this.#options = clientOptions<SecureClientSessionOptions>(tables, {
      ...tls,
      ...SOCKET_OPTIONS,
      // What is buffered for slow clients counts too.
      maxSessionMemory: 64,
      settings: { enablePush: false, initialWindowSize: STREAM_WINDOW_BYTES },
    });
  }

  get capacity(): number {
    return this.#config.sessions * this.#streamsAllowed;
  }

  send(request: TargetRequest, exchange: Exchange): void {
    const call = new Http2Exchange(request, exchange, this.#config, this.#form, this.#watch);
    if (this.#isClosed) call.fail(Object.assign(new Error('The target was closed'), { code: 'UND_ERR_CLOSED' }));
    else this.#choose().run(call);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.all([...this.#connections, ...this.#leaving].map((connection) => connection.close()));
  }

  async destroy(): Promise<void> {
    this.#isClosed = true;
    await Promise.all([...this.#connections, ...this.#leaving].map((connection) => connection.destroy()));
  }

  // A further connection only when all there are have something to do.
  #choose(): Http2Connection {
    let best: Http2Connection | undefined;
    for (const connection of this.#connections) {
      if (best === undefined || connection.load < best.load) best = connection;
    }
    if (best === undefined || (best.load > 0 && this.#connections.size < this.#config.sessions)) return this.#connect();
    return best;
  }

  #connect(): Http2Connection {
    const connection = new Http2Connection(this.#url, this.#options, {
      connectTimeoutMs: this.#config.connectTimeoutMs,
      pingMs: this.#config.pingMs,
      windowBytes: CONNECTION_WINDOW_BYTES,
      hop: this.#observer.hop,
      onSettings: (settings) => this.#onSettings(settings),
      onLeaving: () => {
        if (this.#connections.delete(connection)) this.#leaving.add(connection);
      },
      onClosed: () => {
        this.#connections.delete(connection);
        this.#leaving.delete(connection);
      },
    });
    this.#connections.add(connection);
    return connection;
  }

  #onSettings({ maxConcurrentStreams, headerTableSize }: Settings): void {
    // At least one, or nobody would ever find out that it takes more again.
    const allowed = Math.max(1, Math.min(this.#config.maxConcurrentStreams, maxConcurrentStreams ?? Infinity));
    if (headerTableSize !== undefined && headerTableSize < this.#tableBytes) {
      this.#observer.tableTooSmall(headerTableSize, this.#tableBytes);
    }
    if (allowed === this.#streamsAllowed) return;
    this.#streamsAllowed = allowed;
    this.#observer.capacityChanged();
  }
}

function tablesFor({ callers, headerTableBytes }: UpstreamConfig): TableSettings {
  const tables = tableSettingsFor({ callers });
  if (headerTableBytes === undefined) return tables;
  const client = { ...tables.client, maxDeflateDynamicTableSize: headerTableBytes };
  return { ...tables, client, tableBytes: headerTableBytes };
}
