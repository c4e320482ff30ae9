/** The opening handshake of a WebSocket (RFC 6455 section 4), as far as a proxy has to understand it. */
import { createHash } from 'node:crypto';
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { WatchwordError } from '@watchword/core';
import { responseHeaders } from '../headers/response-headers.ts';

const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';

/** Whether a request asks for a WebSocket. One with a body does not: where its body ends would be a matter of opinion (F1). */
export function asksForWebSocket({ method, headers, httpVersion }: IncomingMessage): boolean {
  return (
    method === 'GET' &&
    httpVersion === '1.1' &&
    headers.upgrade?.toLowerCase() === 'websocket' &&
    headers['transfer-encoding'] === undefined &&
    (headers['content-length'] === undefined || headers['content-length'] === '0')
  );
}

/** The key of a handshake that follows the rules of section 4.2.1. @throws WatchwordError `request_malformed` */
export function handshakeKey({ headers }: IncomingMessage): string {
  const key = headers['sec-websocket-key'];
  if (headers['sec-websocket-version'] !== '13' || key === undefined || !/^[A-Za-z0-9+/]{22}==$/.test(key)) {
    throw new WatchwordError('request_malformed', 'The WebSocket handshake is not that of RFC 6455');
  }
  return key;
}

/**
 * The 101 answer for the client.
 * @throws WatchwordError `upstream_unavailable` when the upstream has not accepted this handshake (section 4.1): bytes of a protocol
 * that nobody agreed on are never passed on
 */
export function switchingProtocols(headers: IncomingHttpHeaders, key: string): string {
  const expected = createHash('sha1')
    .update(key + GUID)
    .digest('base64');
  const isWebSocket = String(headers.upgrade).toLowerCase() === 'websocket';
  if (!isWebSocket || headers['sec-websocket-accept'] !== expected) {
    throw new WatchwordError('upstream_unavailable', 'Upstream: changed to something that is not the WebSocket asked for');
  }
  const lines = ['HTTP/1.1 101 Switching Protocols', 'connection: Upgrade', 'upgrade: websocket'];
  const fields = responseHeaders(headers, false);
  for (let index = 0; index < fields.length; index += 2) {
    if (fields[index] !== 'content-length') lines.push(`${fields[index]}: ${fields[index + 1]}`);
  }
  return `${lines.join('\r\n')}\r\n\r\n`;
}
