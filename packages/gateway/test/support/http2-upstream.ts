/** Upstreams that speak HTTP/2: Node's server, and one made of single frames for what no server does by itself. */
import {
  type Http2Server,
  type Http2Session,
  type IncomingHttpHeaders,
  type ServerHttp2Stream,
  type ServerOptions,
  createServer,
} from 'node:http2';
import { type AddressInfo, type Socket, createServer as createTcpServer } from 'node:net';
import { onTestFinished } from 'vitest';
import { DATA, END_HEADERS, END_STREAM, HEADERS, SETTINGS, frame } from './frames.ts';

export interface Http2Upstream {
  readonly url: string;
  readonly seen: IncomingHttpHeaders[];
  readonly sessions: Set<Http2Session>;
  /** How many connections there have been. */
  readonly connections: number;
  readonly server: Http2Server;
}

/** Node's server without TLS. */
export async function startHttp2Upstream(
  answer: (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => void = answerOk,
  options: ServerOptions = {},
): Promise<Http2Upstream> {
  const seen: IncomingHttpHeaders[] = [];
  const sessions = new Set<Http2Session>();
  let connections = 0;
  const server = createServer(options);
  server.on('session', (session) => {
    connections += 1;
    sessions.add(session);
    session.on('error', () => {}).on('close', () => sessions.delete(session));
  });
  server.on('stream', (stream, headers) => {
    stream.on('error', () => {});
    seen.push(headers);
    answer(stream, headers);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.close();
    for (const session of sessions) session.destroy();
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    seen,
    sessions,
    server,
    get connections() {
      return connections;
    },
  };
}

function answerOk(stream: ServerHttp2Stream): void {
  stream.resume();
  stream.on('end', () => {
    stream.respond({ ':status': 200 });
    stream.end('ok');
  });
}

/** Octets of unsigned 32-bit numbers. */
export function words(...numbers: number[]): Buffer {
  const bytes = Buffer.alloc(numbers.length * 4);
  for (const [index, number] of numbers.entries()) bytes.writeUInt32BE(number, index * 4);
  return bytes;
}

/** `:status: 200` from the static table. */
export const STATUS_200: Buffer = Buffer.from([0x88]);

/** A server of frames. `answer` is called for each request header, with the number of its connection. */
export async function startFrameUpstream(
  answer: (socket: Socket, stream: number, connection: number) => void,
): Promise<{ readonly url: string; readonly requests: number }> {
  let connections = 0;
  let requests = 0;
  const open = new Set<Socket>();
  const server = createTcpServer((socket) => {
    const number = connections;
    connections += 1;
    open.add(socket);
    socket.on('error', () => {}).on('close', () => open.delete(socket));
    socket.setNoDelay(true).write(frame(SETTINGS, 0, 0));
    let bytes = Buffer.alloc(0);
    let preface = true;
    socket.on('data', (chunk: Buffer) => {
      bytes = Buffer.concat([bytes, chunk]);
      if (preface && bytes.length >= 24) {
        bytes = bytes.subarray(24);
        preface = false;
      }
      if (preface) return;
      while (bytes.length >= 9 && bytes.length >= 9 + bytes.readUIntBE(0, 3)) {
        const [type, flags, stream] = [bytes[3], bytes[4], bytes.readUInt32BE(5)];
        bytes = bytes.subarray(9 + bytes.readUIntBE(0, 3));
        if (type === SETTINGS && flags === 0) socket.write(frame(SETTINGS, 1, 0));
        if (type !== HEADERS) continue;
        requests += 1;
        answer(socket, stream, number);
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.close();
    for (const socket of open) socket.destroy();
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    get requests() {
      return requests;
    },
  };
}

/** A whole answer of 200 with a body. */
export function wholeAnswer(stream: number, body: string): Buffer {
  return Buffer.concat([frame(HEADERS, END_HEADERS, stream, STATUS_200), frame(DATA, END_STREAM, stream, Buffer.from(body))]);
}
