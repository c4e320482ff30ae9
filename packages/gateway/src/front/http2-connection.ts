/** One connection of HTTP/2: what its client may cost (F2, F3, F10). */
import { type IncomingHttpHeaders, type ServerHttp2Session, type ServerHttp2Stream, constants } from 'node:http2';
import { Readable } from 'node:stream';
import { Http2Call, type Http2Peer } from './http2-call.ts';
import type { EdgeOptions } from './passage.ts';
import { RateGuard } from './rate-guard.ts';
import type { SlicedSocket } from './sliced-socket.ts';

const { NGHTTP2_CANCEL, NGHTTP2_ENHANCE_YOUR_CALM } = constants;

/** Streams that may end without a whole answer, at once and per second (F2). */
export interface Patience {
  readonly burst: number;
  readonly perSecond: number;
}

/** With clients, which cancel, but not all the time. */
export const PATIENCE: Patience = { burst: 200, perSecond: 20 };
/** With an address that was asked for calm: it opens the next connection and goes on. */
export const LITTLE_PATIENCE: Patience = { burst: 10, perSecond: 5 };

/** PING and SETTINGS frames. Clients of gRPC measure with PING, up to some per second (F3). */
const CONTROL_BURST = 500;
const CONTROL_PER_SECOND = 50;
/** Unread DATA frames of one stream: with the window of 65,535 bytes only frames below 16 bytes get there (F3). */
const UNREAD_FRAMES = 4096;

/** Time that GOAWAY gets to be sent. */
const LAST_WORDS_MS = 200;
/** Time that it gets to be written. */
const GOAWAY_MS = 20;

const INPUT: unique symbol = Symbol('input');

/** A stream that the client sends something on. */
type WatchedStream = ServerHttp2Stream & { [INPUT]?: { readonly call: Http2Call; unread: number } | undefined };

interface OpenStream {
  readonly call: Http2Call;
  /** Of the answer, when `call` was last looked at. */
  taken: number;
  /** When `taken` last grew. */
  sinceMs: number;
  readonly openedMs: number;
}

/** What a connection needs to know, and to tell. */
export interface Http2Surroundings {
  /** Closes the connection whether or not the client does its part. */
  readonly cut: () => void;
  /** The client is being asked for calm. */
  readonly onCalm: () => void;
  readonly patience: Patience;
  /** What stands between session and socket, if anything. */
  readonly sliced: SlicedSocket | undefined;
}

/** A connection and its open streams. */
export class Http2Connection {
  readonly #session: ServerHttp2Session;
  readonly #around: Http2Surroundings;
  readonly #options: EdgeOptions;
  readonly #peer: Http2Peer;
  // In places that are used again: not in a Map, for the reason that StreamGuard has.
  readonly #streams: (OpenStream | undefined)[] = [];
  readonly #freePlaces: number[] = [];
  #openStreams = 0;
  readonly #broken: RateGuard;
  readonly #controls: RateGuard;
  #idleSinceMs: number;
  #hasAsked = false;
  #isAskedToLeave = false;
  #isCalming = false;

  constructor(session: ServerHttp2Session, around: Http2Surroundings, options: EdgeOptions, peer: Http2Peer) {
    this.#session = session;
    this.#around = around;
    this.#options = options;
    this.#peer = peer;
    const nowMs = performance.now();
    this.#broken = new RateGuard(around.patience.burst, around.patience.perSecond, nowMs);
    this.#controls = new RateGuard(CONTROL_BURST, CONTROL_PER_SECOND, nowMs);
    this.#idleSinceMs = nowMs;
    // GOAWAY may go out; the connection ends whether or not the client closes it, and does not wait for what is left to be read (F2).
    session.once('error', () => void setTimeout(around.cut, LAST_WORDS_MS).unref());
    session.on('ping', this.#onControl).on('remoteSettings', this.#onControl);
  }

  /** Whether the client has been asked for calm: nothing more is taken from it. */
  get isCalming(): boolean {
    return this.#isCalming;
  }

  /** A stream that was over before anybody looked at it. */
  openedInVain(): void {
    this.#hasAsked = true;
    this.#countBroken(performance.now());
  }

  /** A new stream. */
  open(stream: ServerHttp2Stream, headers: IncomingHttpHeaders, raw: readonly string[]): Http2Call {
    this.#hasAsked = true;
    const call = new Http2Call(stream, headers, raw, this.#peer);
    const nowMs = performance.now();
    const place = this.#freePlaces.pop() ?? this.#streams.length;
    this.#streams[place] = { call, taken: 0, sinceMs: nowMs, openedMs: nowMs };
    this.#openStreams += 1;
    if (!stream.endAfterHeaders) watchInput(stream, call);
    call.onClose(() => this.#onStreamClose(stream, call, place));
    return call;
  }

  /** Ends what has waited for the client for too long. @returns how much that was */
  look(nowMs: number): number {
    const { stallTimeoutMs, requestTimeoutMs, keepAliveTimeoutMs, headersTimeoutMs } = this.#options.limits;
    if (this.#openStreams === 0) {
      const patienceMs = this.#hasAsked ? keepAliveTimeoutMs : headersTimeoutMs;
      if (nowMs - this.#idleSinceMs < patienceMs) return 0;
      this.#leave();
      return 1;
    }
    let count = 0;
    for (const open of this.#streams) {
      if (open === undefined) continue;
      const { call } = open;
      if (call.taken !== open.taken || !call.isStalled) {
        open.taken = call.taken;
        open.sinceMs = nowMs;
      }
      const takesNothing = nowMs - open.sinceMs >= stallTimeoutMs;
      const sendsTooLong = !call.started && call.isSending && !call.isEndless && nowMs - open.openedMs >= requestTimeoutMs;
      if (!takesNothing && !sendsTooLong) continue;
      call.reset(NGHTTP2_CANCEL);
      count += 1;
    }
    return count;
  }

  // GOAWAY first. Who neither closes its side nor takes what is sent would keep its place for ever (F10).
  #leave(): void {
    if (this.#isAskedToLeave) this.#around.cut();
    else this.#session.close();
    this.#isAskedToLeave = true;
  }

  #onStreamClose(stream: WatchedStream, call: Http2Call, place: number): void {
    this.#streams[place] = undefined;
    this.#freePlaces.push(place);
    this.#openStreams -= 1;
    stream[INPUT] = undefined;
    const nowMs = performance.now();
    if (this.#openStreams === 0) this.#idleSinceMs = nowMs;
    // Whoever has a stream reset, by itself or by breaking the protocol, has had the request processed for nothing.
    if (call.answered === undefined && !call.isBroken) this.#countBroken(nowMs);
  }

  #countBroken(nowMs: number): void {
    if (!this.#broken.take(nowMs)) this.#calm();
  }

  readonly #onControl = (): void => {
    if (!this.#controls.take(performance.now())) this.#calm();
  };

  #calm(): void {
    if (this.#session.destroyed || this.#isCalming) return;
    this.#isCalming = true;
    const { sliced, onCalm } = this.#around;
    onCalm();
    if (sliced === undefined && this.#session.encrypted !== true) return this.#destroy();
    // Over TLS, and to a socket that is not Node's own, a write ends turns later; with the session what has not been written goes.
    sliced?.stop();
    this.#session.goaway(NGHTTP2_ENHANCE_YOUR_CALM);
    setTimeout(this.#destroy, GOAWAY_MS).unref();
  }

  readonly #destroy = (): void => {
    // Without an error Node takes no code.
    if (!this.#session.destroyed) this.#session.destroy(new Error('Too much of nothing'), NGHTTP2_ENHANCE_YOUR_CALM);
  };
}

// Node puts each DATA frame into the stream's memory as an object of its own, however small, and the window counts only bytes.
// The mark for the end is put whether the client has sent it or the stream was closed.
function watchInput(stream: WatchedStream, call: Http2Call): void {
  stream[INPUT] = { call, unread: 0 };
  stream.push = pushWatched;
}

// The same one for all streams, as in http2-reply.ts.
function pushWatched(this: WatchedStream, chunk: Buffer | null): boolean {
  const input = this[INPUT];
  if (input === undefined) return Readable.prototype.push.call(this, chunk);
  input.unread = this.readableLength === 0 ? 1 : input.unread + 1;
  if (input.unread > UNREAD_FRAMES && chunk !== null) {
    this.close(NGHTTP2_ENHANCE_YOUR_CALM);
    return false;
  }
  const wantsMore = Readable.prototype.push.call(this, chunk);
  if (chunk === null) input.call.onInputEnd();
  return wantsMore;
}
