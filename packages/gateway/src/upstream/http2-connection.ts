/** One HTTP/2 connection: made, kept alive, and left when the peer says so. */
import { type ClientHttp2Session, type SecureClientSessionOptions, type Settings, connect } from 'node:http2';
import type { Socket } from 'node:net';
import type { HopMeter } from '@watchword/http2';
import type { Http2Exchange } from './http2-exchange.ts';

/** What a connection needs to know, and whom it tells. */
export interface ConnectionOptions {
  readonly connectTimeoutMs: number;
  /** Longest silence before the peer is asked whether it is still there; 0: never. */
  readonly pingMs: number;
  /** What the peer may send ahead, over all streams. */
  readonly windowBytes: number;
  /** Counts the octets of the connection. */
  readonly hop: HopMeter;
  readonly onSettings: (settings: Settings) => void;
  /** No new requests, please: it ends when those that run have ended. */
  readonly onLeaving: () => void;
  readonly onClosed: () => void;
}

/** Starts connecting at once. Requests wait until it is there, so that whatever fails before has not sent a byte. */
export class Http2Connection {
  readonly #session: ClientHttp2Session;
  /** What the session shows of it cannot be destroyed. */
  #socket: Socket | undefined = undefined;
  readonly #options: ConnectionOptions;
  readonly #isTls: boolean;
  readonly #connectTimer: NodeJS.Timeout;
  readonly #waiting = new Set<Http2Exchange>();
  #running = 0;
  readonly #closed: PromiseWithResolvers<void> = Promise.withResolvers();
  #isClosed = false;
  #isReady = false;
  #error: Error | undefined = undefined;
  // Streams with a higher id were not processed (RFC 9113 section 6.8).
  #lastStreamId = Infinity;
  #pingTimer: NodeJS.Timeout | undefined = undefined;
  #pongTimer: NodeJS.Timeout | undefined = undefined;
  #endTimer: NodeJS.Timeout | undefined = undefined;

  constructor(url: string, sessionOptions: SecureClientSessionOptions, options: ConnectionOptions) {
    this.#options = options;
    this.#isTls = url.startsWith('https:');
    this.#session = connect(url, sessionOptions);
    options.hop.watch(this.#session.socket);
    this.#connectTimer = setTimeout(() => this.#session.destroy(coded('UPSTREAM_CONNECT_TIMEOUT')), options.connectTimeoutMs);
    this.#session.on('connect', this.#onConnect).on('remoteSettings', options.onSettings);
    this.#session.on('goaway', this.#onGoaway);
    this.#session.on('error', this.#onError).on('close', this.#onClose);
  }

  /** Requests on it or on their way to it. */
  get load(): number {
    return this.#waiting.size + this.#running;
  }

  /** Sends a request as soon as there is a connection. */
  run(exchange: Http2Exchange): void {
    if (this.#isReady) this.#start(exchange);
    else this.#waiting.add(exchange);
  }

  /** Whether the peer has said that it did nothing with this stream. */
  skipped(streamId: number | undefined): boolean {
    return streamId !== undefined && streamId > this.#lastStreamId;
  }

  /** Whether no stream can be heard of any more. */
  get isOver(): boolean {
    return this.#session.destroyed || this.#session.closed;
  }

  /** Asks the peer whether it is still there; closes the connection when no answer comes. */
  probe(): void {
    if (this.#pongTimer !== undefined || this.#session.destroyed) return;
    this.#pongTimer = setTimeout(() => this.#cut(coded('UPSTREAM_PING_TIMEOUT')), this.#options.connectTimeoutMs);
    this.#session.ping(() => {
      clearTimeout(this.#pongTimer);
      this.#pongTimer = undefined;
    });
  }

  /** Something was heard from the peer. */
  heard(): void {
    this.#pingTimer?.refresh();
  }

  async close(): Promise<void> {
    if (!this.#session.destroyed) this.#session.close();
    await this.#closed.promise;
  }

  async destroy(): Promise<void> {
    this.#cut();
    setImmediate(this.#onClose);
    await this.#closed.promise;
  }

  #start(exchange: Http2Exchange): void {
    this.#running += 1;
    exchange.start(this.#session, this, () => (this.#running -= 1));
  }

  // A session that was to be closed ends its side and waits for the peer's, even when it is destroyed.
  #cut(error?: Error): void {
    this.#session.destroy(error);
    this.#socket?.destroy();
  }

  readonly #onConnect = (_session: ClientHttp2Session, socket: Socket): void => {
    this.#socket = socket;
    // Who stands still never ends its side.
    socket.once('finish', () => (this.#endTimer = setTimeout(() => this.#cut(), this.#options.connectTimeoutMs).unref()));
    // A server that does not know HTTP/2 would take the preface for a request of HTTP/1.1.
    if (this.#isTls && this.#session.alpnProtocol !== 'h2') {
      this.#session.destroy(coded('UPSTREAM_NOT_H2'));
      return;
    }
    clearTimeout(this.#connectTimer);
    this.#isReady = true;
    this.#session.setLocalWindowSize(this.#options.windowBytes);
    const { pingMs } = this.#options;
    if (pingMs > 0) this.#pingTimer = setInterval(() => this.#pingIfBusy(), pingMs);
    for (const exchange of this.#waiting) this.#start(exchange);
    this.#waiting.clear();
  };

  // Servers of gRPC close connections that ping without a stream.
  #pingIfBusy(): void {
    if (this.#running > 0) this.probe();
  }

  readonly #onGoaway = (_code: number, lastStreamId: number): void => {
    this.#lastStreamId = lastStreamId;
    this.#options.onLeaving();
  };

  // Not every error is followed by `close`: after a TLS alert there is none.
  readonly #onError = (error: Error): void => {
    this.#error ??= error;
    this.#cut();
    setImmediate(this.#onClose);
  };

  readonly #onClose = (): void => {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#closed.resolve();
    for (const timer of [this.#connectTimer, this.#pingTimer, this.#pongTimer, this.#endTimer]) clearTimeout(timer);
    this.#options.onClosed();
    const error = this.#error ?? coded('UPSTREAM_CLOSED');
    for (const exchange of this.#waiting) exchange.fail(error);
    this.#waiting.clear();
  };
}

function coded(code: string): Error {
  return Object.assign(new Error(code), { code });
}
