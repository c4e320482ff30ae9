/** A server of gRPC over cleartext HTTP/2, for unary calls: connections, bounded in what each may cost. */
import { type ServerHttp2Session, createServer } from 'node:http2';
import type { Socket } from 'node:net';
import { type GrpcMethods, openCall } from './grpc-call.ts';

/** The side that takes sockets. */
export interface GrpcService {
  accept(socket: Socket): void;
  /** Takes no more calls; lets those that run be answered, at the latest until then. */
  close(timeoutMs: number): Promise<void>;
}

/** Calls at a time on one connection; a client with more of them waits, or opens another one. */
const MOST_STREAMS = 1000;
/** Field lines of one call: each costs memory beyond its octets (F3). */
const MOST_FIELDS = 100;
/** Frames that break the protocol, and streams beyond the limit, before the connection is closed (F3). */
const INVALID_FRAMES = 100;
/** Megabytes that a connection may hold before Node refuses its streams. */
const SESSION_MEGABYTES = 64;
/** What a client may send ahead, over all streams. With the 64 KiB that HTTP/2 begins with, 50 questions wait for each other. */
const WINDOW_BYTES = 1_048_576;

/** Creates the server. It does not listen: whoever does hands its sockets over. */
export function createGrpcService(methods: GrpcMethods): GrpcService {
  const sessions = new Set<ServerHttp2Session>();
  const sockets = new Set<Socket>();
  const server = createServer({
    settings: { enablePush: false, maxConcurrentStreams: MOST_STREAMS },
    maxHeaderListPairs: MOST_FIELDS,
    maxSessionInvalidFrames: INVALID_FRAMES,
    maxSessionRejectedStreams: INVALID_FRAMES,
    maxSessionMemory: SESSION_MEGABYTES,
    maxSettings: 32,
  });
  server.on('sessionError', ignore);
  server.on('session', (session) => {
    sessions.add(session);
    session.on('close', () => sessions.delete(session));
    session.setLocalWindowSize(WINDOW_BYTES);
  });
  server.on('stream', (stream, headers) => openCall(stream, headers, methods));
  return {
    accept(socket) {
      // Nobody can take an answer without saying how much of it: who has closed its side is gone (F10).
      socket.on('end', () => socket.destroy());
      sockets.add(socket);
      socket.on('close', () => sockets.delete(socket));
      server.emit('connection', socket);
    },
    async close(timeoutMs) {
      const timer = setTimeout(() => {
        // Not the sessions: Node has ended its side of each, and waits for the client's. Who stands still never ends it (F10).
        for (const socket of sockets) socket.destroy();
      }, timeoutMs);
      await Promise.all(Array.from(sessions, closeSession));
      clearTimeout(timer);
    },
  };
}

// GOAWAY; calls that run are answered (RFC 9113 section 6.8).
function closeSession(session: ServerHttp2Session): Promise<void> {
  return new Promise((resolve) => {
    session.once('close', () => resolve());
    session.close();
  });
}

function ignore(): void {}
