/** What becomes of a connection that is one too many. */
import type { Socket } from 'node:net';
import { WatchwordError, toProblem } from '@watchword/core';

/** How long the answer may take to be read. */
const LINGER_MS = 1000;

/** Says 503 where that can be said without a handshake, and closes. */
export function turnAway(socket: Socket, isCleartext: boolean): void {
  socket.on('error', () => {});
  if (!isCleartext) {
    socket.destroy();
    return;
  }
  // What the client sends is read and dropped: a reset would take the answer with it.
  socket.resume();
  // Whatever it still sends: beyond the limit nobody stays.
  const timer = setTimeout(() => socket.destroy(), LINGER_MS).unref();
  socket.on('close', () => clearTimeout(timer));
  socket.end(answer());
}

function answer(): string {
  const { status, headers, body } = toProblem(new WatchwordError('overloaded'));
  const fields = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  return `HTTP/1.1 ${status} Service Unavailable\r\n${fields.join('')}content-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`;
}
