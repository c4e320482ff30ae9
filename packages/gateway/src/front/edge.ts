/** The edge as its clients see it: one port that speaks HTTP/1.1 and HTTP/2, in cleartext or over TLS. */
import type { Server as HttpServer } from 'node:http';
import type { Server, Socket } from 'node:net';
import type { Server as TlsServer, TLSSocket, TlsOptions } from 'node:tls';
import { createHttp1Side } from './http1-server.ts';
import { createHttp2Side } from './http2-server.ts';
import type { EdgeOptions } from './passage.ts';
import { sniffPreface } from './preface.ts';
import { turnAway } from './turn-away.ts';

/** The running edge. */
export interface Edge {
  /** What listens. */
  readonly server: Server;
  /** Asks clients to go elsewhere, turns nobody away: answers over HTTP/1.1 say `Connection: close`. */
  announceDrain(): void;
  /** Closes idle connections now, and every other one after its answers (GOAWAY, `Connection: close`). The port stays open. */
  drain(): void;
  /** Closes all connections now. */
  closeAll(): void;
  /** Uses another certificate for new connections; those that are open keep theirs. */
  setTls(tls: TlsOptions): void;
}

/** Creates the edge. It does not listen yet. */
export function createEdge(options: EdgeOptions): Edge {
  const { tls, limits } = options;
  const http1 = createHttp1Side(
    options,
    tls && { ...tls, ALPNProtocols: ['h2', 'http/1.1'], handshakeTimeout: limits.headersTimeoutMs },
  );
  const http2 = createHttp2Side(options);
  const { server } = http1;
  const open = new Set<Socket>();
  // Open, but nobody's yet: in its handshake, or before its first bytes.
  const greeting = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    const { limits: now, observer } = options.current?.() ?? options;
    if (open.size >= now.connections) {
      observer.turnedAway?.();
      turnAway(socket, tls === undefined);
      return;
    }
    open.add(socket);
    greeting.add(socket);
    socket.on('close', () => {
      open.delete(socket);
      greeting.delete(socket);
    });
  });
  if (tls === undefined) {
    server.on('connection', (socket: Socket) => {
      if (!open.has(socket)) return;
      sniffPreface(socket, limits.headersTimeoutMs, (isHttp2) => {
        greeting.delete(socket);
        (isHttp2 ? http2 : http1).accept(socket);
      });
    });
  } else welcomeTls(server, (socket) => (socket.alpnProtocol === 'h2' ? http2 : http1).accept(socket));
  return {
    server,
    announceDrain: () => http1.announceDrain(),
    drain() {
      // Over TLS the sockets below are not told apart; who has not said hello by now is not waited for long (handshakeTimeout).
      if (tls === undefined) for (const socket of greeting) socket.destroy();
      http1.drain();
      http2.drain();
    },
    closeAll() {
      for (const socket of open) socket.destroy();
    },
    setTls(next) {
      (server as unknown as TlsServer).setSecureContext(next);
    },
  };
}

function welcomeTls(server: HttpServer, accept: (socket: TLSSocket) => void): void {
  server.on('secureConnection', (socket: TLSSocket) => {
    // Whatever goes wrong on a connection ends that connection (F5).
    socket.on('error', ignore);
    accept(socket);
  });
  // A handshake that failed: nobody is there who could read an answer.
  server.removeAllListeners('tlsClientError');
  server.on('tlsClientError', (_error, socket: TLSSocket) => {
    socket.on('error', ignore);
    socket.destroy();
  });
}

function ignore(): void {}
