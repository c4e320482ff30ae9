/** The HTTP/1.1 side of the edge: Node's server, without its own say in who speaks what. */
import { type IncomingMessage, type Server, type ServerResponse, createServer } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { Socket } from 'node:net';
import type { TlsOptions } from 'node:tls';
import { Connections, markBusy, takesNoMore } from './connections.ts';
import { EdgeRequest } from './edge-request.ts';
import { Http1Call } from './http1-call.ts';
import { guardParser } from './parser-guard.ts';
import { type EdgeOptions, pass } from './passage.ts';
import { endQuietConnections } from './quiet-connections.ts';
import { createUpgrades } from './upgrades.ts';

/**
 * How often connections are looked for that are late. Often: all that are found are let go of in one turn, at about 50 us each, while
 * everybody else waits (F10). A look costs a microsecond, and 20 us more for each 1,000 requests that have not arrived as a whole.
 */
const CHECK_EVERY_MS = 20;

/** One side of the edge: it is given connections, and lets go of them. */
export interface ProtocolSide {
  /** Takes a connection whose protocol is known. */
  accept(socket: Socket): void;
  /** Closes idle connections now, and every other one after its answers. */
  drain(): void;
}

/** The side that listens for both. */
export interface Http1Side extends ProtocolSide {
  /** Accepts connections and gives them to nobody. */
  readonly server: Server;
  /** Closes each connection after its next answer, idle ones not yet: their clients may be about to ask. */
  announceDrain(): void;
}

// What Node tells clients with `Keep-Alive: timeout=`, so that they send no request into a connection that is about to end.
const TOLD_TIMEOUT = '_keepAliveTimeout';

interface TellingResponse extends ServerResponse {
  [TOLD_TIMEOUT]: number;
}

/** Creates the server. It does not listen yet. */
export function createHttp1Side(options: EdgeOptions, tls?: TlsOptions): Http1Side {
  const { limits } = options;
  const state = { draining: false, needsAuthority: options.listen.tls?.clientCaFile !== undefined };
  const upgrades = createUpgrades(options);
  // insecureHTTPParser stays off: two readings of one request is what smuggling is (F1).
  const settings = {
    IncomingMessage: EdgeRequest,
    // Refused with the others, with a body and a count: `inspectHeaders` wants exactly one, of HTTP/1.0 too.
    requireHostHeader: false,
    maxHeaderSize: limits.headerBytes,
    headersTimeout: limits.headersTimeoutMs,
    requestTimeout: Math.max(limits.requestTimeoutMs, limits.headersTimeoutMs),
    // See `endQuietConnections`.
    keepAliveTimeout: 0,
    connectionsCheckingInterval: Math.min(limits.headersTimeoutMs, CHECK_EVERY_MS),
    shouldUpgradeCallback: upgrades.wants,
    // A request without a body is not a stream that has to end, be told of its end, and be closed.
    optimizeEmptyRequests: true,
  };
  const server = tls === undefined ? createServer(settings) : createTlsServer({ ...settings, ...tls });
  // The default drops fields beyond 2000 without a word; headerBytes is the limit.
  server.maxHeadersCount = 0;
  const handle = (request: IncomingMessage, response: ServerResponse, waits: boolean): void => {
    markBusy(request.socket, response);
    if (takesNoMore(request.socket)) return;
    (response as TellingResponse)[TOLD_TIMEOUT] = limits.keepAliveTimeoutMs;
    pass(new Http1Call(request, response, waits, state), options);
  };
  server.on('request', (request, response) => handle(request, response, false));
  // The client waits for permission to send its body: it gets it when the request has been admitted (RFC 9110 section 10.1.1).
  server.on('checkContinue', (request, response) => handle(request, response, true));
  // Other expectations are ignored, as RFC 9110 section 10.1.1 permits; Node would answer 417 behind our back.
  server.on('checkExpectation', (request, response) => handle(request, response, false));
  upgrades.attach(server, state);
  guardParser(server);
  const connections = new Connections();
  endQuietConnections(server, connections, { idleMs: limits.keepAliveTimeoutMs, stallMs: limits.stallTimeoutMs });
  const serve = takeListener(server, tls === undefined ? 'connection' : 'secureConnection');
  return {
    server,
    accept(socket) {
      connections.add(socket);
      serve.call(server, socket);
    },
    announceDrain() {
      state.draining = true;
    },
    drain() {
      state.draining = true;
      upgrades.drain();
      connections.closeIdle();
    },
  };
}

// Node's server serves every connection that it accepts. Ours are served once it is known that they speak HTTP/1.1.
function takeListener(server: Server, event: 'connection' | 'secureConnection'): (this: Server, socket: Socket) => void {
  const [listener] = server.listeners(event) as ((this: Server, socket: Socket) => void)[];
  server.removeAllListeners(event);
  return listener!;
}
