/** A request over HTTP/1.1 that would like to become a WebSocket. Until it does, and if it does not, it is a call like any other. */
import { type IncomingHttpHeaders, type IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { WatchwordError } from '@watchword/core';
import { Http1Call, type Http1State } from './http1-call.ts';
import { handshakeKey, switchingProtocols } from './websocket-handshake.ts';
import { type TunnelLimits, WebSocketTunnel } from './websocket-tunnel.ts';

/** Wraps what Node's `upgrade` event gives. The connection carries no second request, whatever becomes of this one. */
export class UpgradeCall extends Http1Call {
  readonly #request: IncomingMessage;
  readonly #socket: Socket;
  readonly #head: Buffer;
  readonly #limits: TunnelLimits;
  /** The place for an answer that is not 101. */
  readonly response: ServerResponse;
  #tunnel: WebSocketTunnel | undefined;

  /** @param head what the client has sent behind its request */
  constructor(request: IncomingMessage, socket: Socket, head: Buffer, state: Http1State, limits: TunnelLimits) {
    const response = new ServerResponse(request);
    response.assignSocket(socket);
    // Says `Connection: close` on every answer.
    super(request, response, false, { draining: true, needsAuthority: state.needsAuthority });
    this.#request = request;
    this.#socket = socket;
    this.#head = head;
    this.#limits = limits;
    this.response = response;
    response.on('finish', () => socket.destroySoon());
  }

  override get answered(): number | undefined {
    return this.#tunnel === undefined ? super.answered : 101;
  }

  override get started(): boolean {
    return this.#tunnel !== undefined || super.started;
  }

  /** @throws WatchwordError `request_malformed` unless it is a whole handshake */
  assertHandshake(): void {
    handshakeKey(this.#request);
  }

  /**
   * The upstream has changed protocols.
   * @throws WatchwordError `upstream_unavailable` when it did so in a wrong way; its socket is destroyed then
   */
  switchTo(headers: IncomingHttpHeaders, upstream: Duplex): WebSocketTunnel {
    try {
      const answer = switchingProtocols(headers, handshakeKey(this.#request));
      this.#socket.setTimeout(0);
      this.#socket.write(answer, 'latin1');
    } catch (error) {
      upstream.on('error', ignore).destroy();
      throw error;
    }
    if (this.#head.length > 0) this.#socket.unshift(this.#head);
    this.#tunnel = new WebSocketTunnel(this.#socket, upstream, this.#limits);
    return this.#tunnel;
  }

  /** Ends what neither side has ended. */
  override endEarly(error?: WatchwordError): void {
    if (this.#tunnel === undefined) super.endEarly();
    else this.#tunnel.close(1008, error?.facts.title ?? '');
  }

  /** The edge is about to stop. A handshake under way is answered first. */
  goAway(): void {
    this.#tunnel?.close(1001, 'going away');
  }

  override breakOff(): void {
    if (this.#tunnel === undefined) super.breakOff();
    else this.#socket.destroy();
  }
}

function ignore(): void {}
