/** What the HTTP parser refuses gets a plain answer too, and never lands in the middle of another one. */
import type { Server } from 'node:http';
import type { Duplex } from 'node:stream';
import { ERRORS } from '@watchword/core';
import { isBusy, isEndless } from './connections.ts';

/** Puts the guard on a server. */
export function guardParser(server: Server): void {
  server.on('clientError', (error, socket) => onClientError(error, socket));
  // CONNECT asks for a tunnel; Node would drop the connection without a word.
  server.on('connect', (_request, socket) => {
    // Node has let go of the socket: nobody else listens for its errors (F5).
    socket.on('error', ignore);
    // An answer under way to an earlier request would be cut in two, or this one be taken for it.
    if (isBusy(socket)) socket.destroy();
    else answerRaw(socket, '405 Method Not Allowed', 405, ERRORS.method_not_allowed.title, 'Allow: GET\r\n');
  });
}

function onClientError(error: NodeJS.ErrnoException, socket: Duplex): void {
  // Node tells of it once, and goes on reading.
  if (error.code === 'ERR_HTTP_REQUEST_TIMEOUT' && isEndless(socket)) return;
  if (isBusy(socket) || !socket.writable || error.code === 'ECONNRESET') {
    socket.destroy();
  } else if (error.code === 'HPE_HEADER_OVERFLOW') {
    answerRaw(socket, '431 Request Header Fields Too Large', 431, 'The request header is too large');
  } else if (error.code === 'ERR_HTTP_REQUEST_TIMEOUT') {
    answerRaw(socket, '408 Request Timeout', 408, 'The request did not arrive in time');
  } else {
    answerRaw(socket, '400 Bad Request', 400, ERRORS.request_malformed.title);
  }
}

function answerRaw(socket: Duplex, line: string, status: number, title: string, fields = ''): void {
  const kind = title.toLowerCase().replaceAll(/[^a-z]+/g, '-');
  const body = JSON.stringify({ type: `urn:watchword:problem:${kind}`, title, status });
  socket.end(
    `HTTP/1.1 ${line}\r\n${fields}Content-Type: application/problem+json\r\nContent-Length: ${body.length}\r\n` +
      `Cache-Control: no-store\r\nConnection: close\r\n\r\n${body}`,
    () => socket.destroy(),
  );
}

function ignore(): void {}
