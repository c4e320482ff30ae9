/** Which client connections are open, and which of them have an answer under way. */
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';

const LATEST: unique symbol = Symbol('latest answer');

interface TrackedSocket extends Duplex {
  [LATEST]?: ServerResponse;
}

/** The open connections of one server. */
export interface Connections {
  /** Closes those without an answer under way. Node's own list leaves out the ones that never sent a request. */
  closeIdle(): void;
}

/** Starts tracking. Costs one assignment per request. */
export function trackConnections(server: Server): Connections {
  const open = new Set<Socket>();
  const remember = (request: IncomingMessage, response: ServerResponse): void => {
    (request.socket as TrackedSocket)[LATEST] = response;
  };
  server.on('request', remember);
  server.on('checkContinue', remember);
  server.on('checkExpectation', remember);
  server.on('connection', (socket) => {
    open.add(socket);
    socket.on('close', () => open.delete(socket));
  });
  return {
    closeIdle() {
      for (const socket of open) if (!isBusy(socket)) socket.destroySoon();
    },
  };
}

/** Whether an answer has been started, or is being prepared, that has not been written out. */
export function isBusy(socket: Duplex): boolean {
  const latest = (socket as TrackedSocket)[LATEST];
  return latest !== undefined && !latest.writableFinished;
}
