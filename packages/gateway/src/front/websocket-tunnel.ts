/** Bytes in both directions between a client and an upstream that have agreed on a WebSocket. */
import type { Duplex } from 'node:stream';
import { FrameBoundaries, closeFrame } from './websocket-frames.ts';

/** Section 7.4.1 of RFC 6455: 1001 the server goes away, 1008 a policy is broken. */
export type CloseCode = 1001 | 1008;

/** How long a tunnel may be still, and how long its client may take nothing of what is there. */
export interface TunnelLimits {
  readonly idleMs: number;
  readonly stallMs: number;
}

/** Time that a client gets to read why its socket is closed. */
const FAREWELL_MS = 1000;

/** One WebSocket on its way through. Each side is held back by the other. */
export class WebSocketTunnel {
  readonly #client: Duplex;
  readonly #upstream: Duplex;
  readonly #limits: TunnelLimits;
  readonly #fromUpstream = new FrameBoundaries();
  #lastMs = performance.now();
  #takenMs = this.#lastMs;
  readonly #timer: NodeJS.Timeout;
  #isClosing = false;

  constructor(client: Duplex, upstream: Duplex, limits: TunnelLimits) {
    this.#client = client;
    this.#upstream = upstream;
    this.#limits = limits;
    client.on('error', ignore).on('close', () => upstream.destroy());
    upstream.on('error', ignore).on('close', () => this.#onUpstreamClose());
    client.on('data', (chunk: Buffer) => this.#toUpstream(chunk)).on('end', () => this.#onClientEnd());
    upstream.on('data', (chunk: Buffer) => this.#toClient(chunk)).on('end', () => client.end());
    client.on('drain', () => {
      this.#takenMs = performance.now();
      upstream.resume();
    });
    upstream.on('drain', () => client.resume());
    this.#timer = setInterval(() => this.#look(performance.now()), Math.min(limits.idleMs, limits.stallMs) / 2).unref();
    client.on('close', () => clearInterval(this.#timer));
    // Before anybody listened: it is not told again.
    if (client.readableEnded) this.#onClientEnd();
    if (upstream.readableEnded) client.end();
  }

  /** Ends it, with a close frame where the client can take one for what it is. */
  close(code: CloseCode, reason: string): void {
    if (this.#isClosing) return;
    this.#isClosing = true;
    this.#upstream.destroy();
    if (!this.#fromUpstream.isBetween || this.#client.writableLength > 0) {
      // In the middle of a frame ours would be read as a part of it.
      this.#client.destroy();
      return;
    }
    this.#client.end(closeFrame(code, reason));
    // What the client still says goes nowhere; its own close frame ends the matter.
    this.#client.removeAllListeners('data').resume();
    setTimeout(() => this.#client.destroy(), FAREWELL_MS).unref();
  }

  #toUpstream(chunk: Buffer): void {
    this.#lastMs = performance.now();
    if (!this.#upstream.write(chunk)) this.#client.pause();
  }

  #toClient(chunk: Buffer): void {
    if (this.#isClosing) return;
    this.#lastMs = performance.now();
    this.#fromUpstream.follow(chunk);
    if (this.#client.writableLength === 0) this.#takenMs = this.#lastMs;
    if (!this.#client.write(chunk)) this.#upstream.pause();
  }

  // A WebSocket is not closed by halves (section 7.1.1): who ends its side without hearing the other out has left. An upstream that
  // does not close for its part would keep the place of somebody who is gone (F10).
  #onClientEnd(): void {
    this.#upstream.end();
    const timer = setTimeout(() => this.#client.destroy(), FAREWELL_MS).unref();
    this.#client.on('close', () => clearTimeout(timer));
  }

  #onUpstreamClose(): void {
    if (this.#isClosing) return;
    // What it said before goes out first.
    if (this.#client.writableEnded) setTimeout(() => this.#client.destroy(), FAREWELL_MS).unref();
    else this.#client.destroy();
  }

  #look(nowMs: number): void {
    const { idleMs, stallMs } = this.#limits;
    const isStalled = this.#client.writableNeedDrain && nowMs - this.#takenMs >= stallMs;
    if (isStalled) this.#client.destroy();
    else if (nowMs - this.#lastMs >= idleMs) this.close(1001, 'idle');
  }
}

function ignore(): void {}
