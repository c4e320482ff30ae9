/** A WebSocket server made by hand: echoes frames, answers pings and close frames. */
import { createHash } from 'node:crypto';
import { type IncomingMessage, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { onTestFinished } from 'vitest';

export interface WebSocketUpstream {
  readonly url: string;
  readonly seen: IncomingMessage[];
  readonly sockets: Duplex[];
  /** Requests that were not upgrades. */
  readonly plain: IncomingMessage[];
}

export function accept(request: IncomingMessage): string {
  const key = request.headers['sec-websocket-key']!;
  const value = createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');
  return `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: ${value}\r\n\r\n`;
}

export async function startWebSocketUpstream(
  onUpgrade: (request: IncomingMessage, socket: Duplex) => void = echo,
): Promise<WebSocketUpstream> {
  const seen: IncomingMessage[] = [];
  const plain: IncomingMessage[] = [];
  const sockets: Duplex[] = [];
  const server = createServer((request, response) => {
    plain.push(request);
    request.resume();
    response.end('plain');
  });
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    seen.push(request);
    sockets.push(socket);
    socket.on('error', () => {});
    if (head.length > 0) socket.unshift(head);
    onUpgrade(request, socket);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
    for (const socket of sockets) socket.destroy();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, seen, sockets, plain };
}

export function echo(request: IncomingMessage, socket: Duplex): void {
  socket.write(accept(request));
  let rest = Buffer.alloc(0);
  socket.on('data', (chunk: Buffer) => {
    rest = Buffer.concat([rest, chunk]);
    for (let frame = readFrame(rest); frame !== undefined; frame = readFrame(rest)) {
      rest = rest.subarray(frame.bytes);
      if (frame.opcode === 8) socket.end(toFrame(8, frame.payload));
      else socket.write(toFrame(frame.opcode, frame.payload));
    }
  });
  socket.on('end', () => socket.end());
}

/** An unmasked frame, as servers send them. */
export function toFrame(opcode: number, payload: Buffer): Buffer {
  const short = Buffer.from([0x80 | opcode, payload.length]);
  if (payload.length < 126) return Buffer.concat([short, payload]);
  const head = payload.length < 65_536 ? Buffer.alloc(4) : Buffer.alloc(10);
  head[0] = 0x80 | opcode;
  head[1] = payload.length < 65_536 ? 126 : 127;
  if (payload.length < 65_536) head.writeUInt16BE(payload.length, 2);
  else head.writeBigUInt64BE(BigInt(payload.length), 2);
  return Buffer.concat([head, payload]);
}

function readFrame(bytes: Buffer): { opcode: number; payload: Buffer; bytes: number } | undefined {
  if (bytes.length < 2) return undefined;
  const short = bytes[1]! & 0x7f;
  const lengthBytes = short === 126 ? 2 : short === 127 ? 8 : 0;
  const start = 2 + lengthBytes + 4;
  if (bytes.length < start) return undefined;
  const length = lengthBytes === 0 ? short : lengthBytes === 2 ? bytes.readUInt16BE(2) : Number(bytes.readBigUInt64BE(2));
  if (bytes.length < start + length) return undefined;
  const mask = bytes.subarray(2 + lengthBytes, start);
  const payload = Buffer.from(bytes.subarray(start, start + length).map((byte, index) => byte ^ mask[index % 4]!));
  return { opcode: bytes[0]! & 0x0f, payload, bytes: start + length };
}
