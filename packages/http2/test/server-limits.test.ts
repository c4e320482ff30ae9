import { once } from 'node:events';
import { type Http2Server, createServer } from 'node:http2';
import { type AddressInfo, type Socket, connect } from 'node:net';
import { type ConnectionLimits, serverOptions } from '@watchword/http2';
import { describe, expect, it } from 'vitest';

const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
const [DATA, HEADERS, RST_STREAM, SETTINGS, PING, GOAWAY, CONTINUATION] = [0, 1, 3, 4, 6, 7, 9];
// GET / of http, from the static table, and an authority.
const GET = Buffer.from([0x82, 0x84, 0x86, 0x01, 1, 0x61]);

describe('refuses limits', () => {
  it.each([
    [{ concurrentStreams: 0 }, 'limits.concurrentStreams'],
    [{ headerListBytes: 10 }, 'limits.headerListBytes'],
    [{ resetBurst: Number.NaN }, 'limits.resetBurst'],
    [{ streams: 5 }, 'limits.streams: unknown option'],
  ])('%j', (limits, message) => {
    expect(() => serverOptions({ callers: 1 }, limits as ConnectionLimits)).toThrow(message);
  });
});

// nghttp2 says INTERNAL_ERROR (2) here, where other servers say ENHANCE_YOUR_CALM (11).
it('F2: a client that resets its streams rapidly loses its connection', async () => {
  const entered = { count: 0 };
  const { socket, lost, close } = await raw(serverOptions({ callers: 1 }, { resetBurst: 50 }), entered);
  const most = 20_000;
  for (let id = 1; id < 2 * most && !socket.destroyed; id += 2) {
    socket.write(Buffer.concat([frame(HEADERS!, 0x5, id, GET), frame(RST_STREAM!, 0, id, Buffer.from([0, 0, 0, 8]))]));
    // What arrives in one piece is read in one piece, whatever the limit.
    if (id % 100 === 1) await new Promise((resolve) => setImmediate(resolve));
  }
  expect([2, 11]).toContain(await lost);
  expect(entered.count).toBeGreaterThan(0);
  expect(entered.count).toBeLessThan(most / 4);
  await close();
});

it('F3: a header block that goes on and on ends the connection', async () => {
  const { socket, lost, close } = await raw(serverOptions({ callers: 1 }));
  socket.write(frame(HEADERS!, 0, 1, GET));
  for (let count = 0; count < 200 && !socket.destroyed; count += 1)
    socket.write(frame(CONTINUATION!, 0, 1, literal(`x-${count}`, 'v'.repeat(1000))));
  expect(await lost).not.toBe(0);
  await close();
});

it.each([
  ['SETTINGS of many entries', () => frame(SETTINGS!, 0, 0, Buffer.alloc(6 * 100, Buffer.from([0, 5, 0, 0, 64, 0])))],
  ['frames on streams that are not open', () => frame(CONTINUATION!, 0x4, 99, GET)],
])('F3: %s ends the connection', async (_name, build) => {
  const { socket, lost, close } = await raw(serverOptions({ callers: 1 }, { invalidFrames: 10 }));
  for (let count = 0; count < 200 && !socket.destroyed; count += 1) socket.write(build());
  expect(await lost).not.toBe(0);
  await close();
});

it('F3: other connections are served while one floods with PING', async () => {
  const server = createServer(serverOptions({ callers: 1 }), (_req, res) => void res.end('here'));
  const flood = await open(server);
  for (let count = 0; count < 5000 && !flood.destroyed; count += 1) flood.write(frame(PING!, 0, 0, Buffer.alloc(8)));
  const other = await open(server);
  other.write(frame(HEADERS!, 0x5, 1, GET));
  const data = await firstFrame(other, [DATA!]);
  expect(data.payload.toString()).toBe('here');
  flood.destroy();
  other.destroy();
  await new Promise((resolve) => server.close(resolve));
});

it('answers more headers than it takes with a reset, and the handler does not see them (ND-8)', async () => {
  const entered = { count: 0 };
  const server = createServer(serverOptions({ callers: 1 }, { headerPairs: 10 }), () => void (entered.count += 1));
  const socket = await open(server);
  const fields = Array.from({ length: 30 }, (_, index) => literal(`x-${index}`, 'v'));
  socket.write(frame(HEADERS!, 0x5, 1, Buffer.concat([GET, ...fields])));
  await firstFrame(socket, [RST_STREAM!, GOAWAY!]);
  expect(entered.count).toBe(0);
  socket.destroy();
  await new Promise((resolve) => server.close(resolve));
});

interface Raw {
  readonly socket: Socket;
  /** The error code of GOAWAY, or undefined when the connection ended without. */
  readonly lost: Promise<number | undefined>;
  close(): Promise<void>;
}

async function raw(options: object, entered = { count: 0 }): Promise<Raw> {
  const server = createServer(options, (_req, res) => {
    entered.count += 1;
    res.end();
  });
  server.on('sessionError', () => undefined);
  const socket = await open(server);
  return {
    socket,
    lost: goneWith(socket),
    async close() {
      socket.destroy();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

async function open(server: Http2Server): Promise<Socket> {
  if (!server.listening) await once(server.listen(0, '127.0.0.1'), 'listening');
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1').on('error', () => undefined);
  await once(socket, 'connect');
  socket.write(Buffer.concat([PREFACE, frame(SETTINGS!, 0, 0, Buffer.alloc(0))]));
  return socket;
}

async function goneWith(socket: Socket): Promise<number | undefined> {
  let code: number | undefined;
  onFrame(socket, ({ type, payload }) => {
    if (type === GOAWAY) code = payload.readUInt32BE(4);
  });
  await new Promise((resolve) => socket.once('close', resolve));
  return code;
}

function firstFrame(socket: Socket, types: readonly number[]): Promise<Frame> {
  return new Promise((resolve) => onFrame(socket, (each) => types.includes(each.type) && resolve(each)));
}

interface Frame {
  readonly type: number;
  readonly payload: Buffer;
}

function onFrame(socket: Socket, listener: (frame: Frame) => unknown): void {
  let rest: Buffer = Buffer.alloc(0);
  socket.on('data', (chunk) => {
    rest = Buffer.concat([rest, chunk]);
    while (rest.length >= 9 && rest.length >= 9 + rest.readUIntBE(0, 3)) {
      const end = 9 + rest.readUIntBE(0, 3);
      listener({ type: rest[3]!, payload: rest.subarray(9, end) });
      rest = rest.subarray(end);
    }
  });
}

function frame(type: number, flags: number, stream: number, payload: Buffer): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

// A literal field without indexing, not Huffman-coded (RFC 7541 section 6.2.2).
function literal(name: string, value: string): Buffer {
  const length = value.length < 127 ? [value.length] : [127, ...varint(value.length - 127)];
  return Buffer.concat([Buffer.from([0, name.length]), Buffer.from(name), Buffer.from(length), Buffer.from(value)]);
}

function varint(value: number): number[] {
  return value < 128 ? [value] : [(value & 127) | 128, ...varint(value >> 7)];
}
