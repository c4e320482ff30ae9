/** Counts, in each process, what knowing the caller costs: CPU time, signature checks, bytes of token. */
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { Socket } from 'node:net';
import process from 'node:process';
import { type HeaderSource, SIGNATURE_CHECK_CHANNEL, TXN_TOKEN_HEADER } from '@watchword/core';
import { onQuestion } from '../process/worker.ts';

/** What one process counted since the last reset. */
export interface Reading {
  /**
   * CPU time while the process found out who is calling, in microseconds, the cost of looking subtracted. Right for what runs in
   * one go, as Watchword does; jose lets other requests in between.
   */
  readonly authenticationMicros: number;
  /** CPU time of the whole process, all threads, for everything it did. */
  readonly processMicros: number;
  readonly authentications: number;
  /** The part of `authenticationMicros` in which a signature had to be checked. */
  readonly firstUseMicros: number;
  readonly signatureChecks: number;
  /** Bytes of token in the requests that arrived. */
  readonly tokenBytes: number;
  readonly tokens: number;
  /** Octets that came in over the sockets of the server, from the first request on each to the last. */
  readonly wireBytes: number;
  /** Requests that they were, the first one on each socket not counted. */
  readonly wireRequests: number;
}

/** `name: value CRLF` (RFC 9112 section 5). */
const FIELD_OVERHEAD_BYTES = 4;

/** Of node:http: a request has been read. */
const REQUEST_CHANNEL = 'http.server.request.start';

class Meter {
  #on = false;
  #beganMicros = 0;
  #processBeganMicros = 0;
  #authenticationMicros = 0;
  #authentications = 0;
  #firstUseMicros = 0;
  #checksBefore = 0;
  #signatureChecks = 0;
  #tokenBytes = 0;
  #tokens = 0;
  /** Sockets that requests came over, and what they had carried when the first of them had been read. */
  readonly #sockets = new Map<Socket, { readonly first: number; last: number; requests: number }>();

  /** Runs `authenticate` between two looks at the CPU time of this process. */
  measure<Result>(authenticate: () => Result): Result {
    this.begin();
    const result = authenticate();
    // A first use waits for microtasks only, which no other request gets between.
    if (result instanceof Promise) return result.finally(() => this.end()) as Result;
    this.end();
    return result;
  }

  /** The first half of {@link measure}, for work that is seen from outside only. */
  begin(): void {
    if (!this.#on) return;
    this.#checksBefore = this.#signatureChecks;
    // The first look pays for a clock that nobody has read for a while; only the second one counts.
    cpuMicros();
    this.#beganMicros = cpuMicros();
  }

  /** The second half. What two looks cost with nothing between them is subtracted, each time anew. */
  end(): void {
    if (!this.#on) return;
    const endedMicros = cpuMicros();
    const emptyMicros = cpuMicros() - endedMicros;
    const micros = endedMicros - this.#beganMicros - emptyMicros;
    this.#authenticationMicros += micros;
    if (this.#signatureChecks > this.#checksBefore) this.#firstUseMicros += micros;
    this.#authentications += 1;
  }

  countSignatureCheck(): void {
    this.#signatureChecks += 1;
  }

  /** Counts the token fields of a request that arrived, as they were on the wire. */
  countToken(headers: HeaderSource): void {
    if (!this.#on) return;
    for (const name of ['authorization', TXN_TOKEN_HEADER]) {
      for (const value of headers.values(name)) {
        this.#tokenBytes += name.length + value.length + FIELD_OVERHEAD_BYTES;
        this.#tokens += 1;
      }
    }
  }

  /** Looks at what the socket of a request has carried, that request included. */
  readonly countWire = (message: unknown): void => {
    const { socket } = message as { readonly socket: Socket };
    const { bytesRead } = socket;
    const known = this.#sockets.get(socket);
    if (known === undefined) this.#sockets.set(socket, { first: bytesRead, last: bytesRead, requests: 0 });
    else {
      known.last = bytesRead;
      known.requests += 1;
    }
  };

  reset(on: boolean): void {
    this.#sockets.clear();
    unsubscribe(REQUEST_CHANNEL, this.countWire);
    if (on) subscribe(REQUEST_CHANNEL, this.countWire);
    this.#processBeganMicros = cpuMicros();
    this.#authenticationMicros = 0;
    this.#authentications = 0;
    this.#firstUseMicros = 0;
    this.#signatureChecks = 0;
    this.#tokenBytes = 0;
    this.#tokens = 0;
    this.#on = on;
  }

  read(): Reading {
    return {
      authenticationMicros: Math.max(0, this.#authenticationMicros),
      processMicros: cpuMicros() - this.#processBeganMicros,
      authentications: this.#authentications,
      firstUseMicros: Math.max(0, this.#firstUseMicros),
      signatureChecks: this.#signatureChecks,
      tokenBytes: this.#tokenBytes,
      tokens: this.#tokens,
      wireBytes: [...this.#sockets.values()].reduce((sum, { first, last }) => sum + last - first, 0),
      wireRequests: [...this.#sockets.values()].reduce((sum, { requests }) => sum + requests, 0),
    };
  }
}

/** The meter of this process. The parent resets and reads it. */
export const meter: Meter = new Meter();

subscribe(SIGNATURE_CHECK_CHANNEL, () => meter.countSignatureCheck());
onQuestion('meter on', () => meter.reset(true));
onQuestion('meter off', () => meter.reset(false));
onQuestion('meter read', () => meter.read());

// In whole microseconds; over many requests the cuts at both ends cancel out. Of all threads, because Linux brings the time of
// a single one up to date only a few hundred times a second.
function cpuMicros(): number {
  const { user, system } = process.cpuUsage();
  return user + system;
}
