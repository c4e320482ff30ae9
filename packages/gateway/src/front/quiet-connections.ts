/**
 * Ends HTTP/1.1 connections that have been quiet for too long. They are looked at every second, all in one go: with time limits of
 * Node's own, which are set, cleared and refreshed six times for every request, a request costs 2 % more.
 */
import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import { type Connections, isBusy } from './connections.ts';
import { Round } from './round.ts';

/** How long a connection may be quiet, in milliseconds. */
export interface QuietLimits {
  /** Between two requests. */
  readonly idleMs: number;
  /** While it does not take what was written. */
  readonly stallMs: number;
}

const SEEN: unique symbol = Symbol('octets that had arrived when it was last looked at');
const QUIET_SINCE: unique symbol = Symbol('when it was first seen with no more than these');

interface WatchedSocket extends Socket {
  [SEEN]?: number;
  [QUIET_SINCE]?: number;
}

/** How often they are looked for, unless a limit is less than four times that. */
const LOOK_EVERY_MS = 1000;
/** What an idle client gets beyond the time that it was told of: its request may be on its way. */
const GRACE_MS = 1000;

/** Looks after the connections of a server until it closes. */
export function endQuietConnections(server: Server, connections: Connections, limits: QuietLimits): void {
  const { idleMs, stallMs } = limits;
  const round = new Round(
    () => connections.all(),
    (socket: WatchedSocket, nowMs) => look(socket, limits, nowMs),
  );
  const timer = setInterval(() => round.begin(), Math.min(LOOK_EVERY_MS, idleMs / 4, stallMs / 4)).unref();
  server.on('timeout', onSilence);
  server.on('close', () => clearInterval(timer));
}

// Says how many it has let go of.
function look(socket: WatchedSocket, { idleMs, stallMs }: QuietLimits, nowMs: number): number {
  if (isBusy(socket)) {
    socket[SEEN] = -1;
    // A limit of Node's sees progress also inside of one piece. It is set for those alone who have not taken all.
    if (socket.writableLength > 0 && !socket.timeout) socket.setTimeout(stallMs);
    return 0;
  }
  const { bytesRead } = socket;
  if (socket[SEEN] !== bytesRead) {
    socket[SEEN] = bytesRead;
    socket[QUIET_SINCE] = nowMs;
    return 0;
  }
  if (nowMs - socket[QUIET_SINCE]! < idleMs + GRACE_MS) return 0;
  socket.destroy();
  return 1;
}

// Nothing was read or written for a while. Who waits for the upstream is left to the time limits of the upstream; who does not take
// what is there would hold its connection, and the upstream's, for as long as it likes (F10).
function onSilence(socket: Socket): void {
  if (isBusy(socket) && socket.writableLength > 0) socket.destroy();
  else socket.setTimeout(0);
}
