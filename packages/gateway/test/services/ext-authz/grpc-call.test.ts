/** Calls of gRPC as a client of plain HTTP/2 makes them, also such as no library of gRPC would. */
import { once } from 'node:events';
import { type ClientHttp2Session, type ClientHttp2Stream, type IncomingHttpHeaders, connect } from 'node:http2';
import { type AddressInfo, type Socket, createConnection, createServer } from 'node:net';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { COLLECTED, ShortLived } from '../../../../core/test/support/collect-young.ts';
import type { GrpcCall, GrpcMethod } from '../../../src/services/ext-authz/grpc-call.ts';
import { type GrpcService, createGrpcService } from '../../../src/services/ext-authz/grpc-service.ts';

const HEADERS = { ':method': 'POST', ':path': '/a.B/Echo', 'content-type': 'application/grpc', te: 'trailers' };

interface Answer {
  readonly headers: IncomingHttpHeaders;
  readonly trailers: IncomingHttpHeaders;
  readonly body: Buffer;
}

interface Started {
  readonly service: GrpcService;
  readonly session: ClientHttp2Session;
  readonly port: number;
}

async function start(methods: Record<string, GrpcMethod> = {}): Promise<Started> {
  const echo: GrpcMethod = (request, call) => call.answer(request);
  const service = createGrpcService(new Map(Object.entries({ '/a.B/Echo': echo, ...methods })));
  const listener = createServer((socket) => service.accept(socket));
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
  const { port } = listener.address() as AddressInfo;
  const session = connect(`http://127.0.0.1:${port}`);
  session.on('error', () => {});
  onTestFinished(async () => {
    session.destroy();
    listener.close();
    await service.close(0);
  });
  return { service, session, port };
}

function message(body: Buffer, flag = 0): Buffer {
  const prefix = Buffer.alloc(5);
  prefix[0] = flag;
  prefix.writeUInt32BE(body.length, 1);
  return Buffer.concat([prefix, body]);
}

function ask(
  session: ClientHttp2Session,
  body: Buffer,
  headers: object = {},
): { stream: ClientHttp2Stream; answer: Promise<Answer> } {
  const stream = session.request({ ...HEADERS, ...headers });
  const answer = new Promise<Answer>((resolve) => {
    let [first, trailers]: IncomingHttpHeaders[] = [{}, {}];
    const chunks: Buffer[] = [];
    stream.on('response', (fields) => (first = fields));
    stream.on('trailers', (fields) => (trailers = fields));
    stream.on('data', (chunk: Buffer) => chunks.push(chunk));
    stream.on('error', () => {});
    stream.on('close', () => resolve({ headers: first!, trailers: trailers!, body: Buffer.concat(chunks) }));
  });
  stream.end(body);
  return { stream, answer };
}

describe('what is refused', () => {
  const good = message(Buffer.from('x'));
  const CASES: [name: string, body: Buffer, headers: object, status: number, grpc: string | undefined][] = [
    ['another method than POST', good, { ':method': 'PUT' }, 405, undefined],
    ['what is not gRPC', good, { 'content-type': 'application/json' }, 415, undefined],
    ['what only begins like gRPC', good, { 'content-type': 'application/grpc-web' }, 415, undefined],
    ['an unknown method', good, { ':path': '/a.B/Other' }, 200, '12'],
    ['a compressed message', message(Buffer.from('x'), 1), {}, 200, '12'],
    ['no message', Buffer.alloc(0), {}, 200, '13'],
    ['a part of a message', good.subarray(0, 5), {}, 200, '13'],
    ['two messages', Buffer.concat([good, good]), {}, 200, '13'],
    ['F6: a message of more than a mebibyte', message(Buffer.alloc(1_048_577)), {}, 200, '8'],
  ];
  for (const [name, body, headers, status, grpc] of CASES) {
    test(`${name}: ${grpc ?? status}`, async () => {
      const { session } = await start();
      const answer = await ask(session, body, headers).answer;
      expect(answer.headers[':status']).toBe(status);
      expect(answer.headers['grpc-status']).toBe(grpc);
      expect(answer.headers['grpc-accept-encoding']).toBe(grpc === '12' ? 'identity' : undefined);
      expect(answer.body).toHaveLength(0);
      // And the connection goes on.
      expect((await ask(session, good).answer).trailers['grpc-status']).toBe('0');
    });
  }

  test('XA-1: nobody waits longer than the deadline; what comes later is dropped', async () => {
    let late: GrpcCall | undefined;
    const { session } = await start({ '/a.B/Never': (_request, call) => (late = call) });
    const { headers } = await ask(session, good, { ':path': '/a.B/Never', 'grpc-timeout': '20m' }).answer;
    expect(headers['grpc-status']).toBe('4');
    expect(late!.gone).toBe(true);
    late!.answer(Buffer.from('late'));
    expect((await ask(session, good).answer).trailers['grpc-status']).toBe('0');
  });

  for (const timeout of ['20x', '', '123456789m', '-1m']) {
    test(`a timeout that is none counts as none: ${JSON.stringify(timeout)}`, async () => {
      const { session } = await start({ '/a.B/Later': (request, call) => void setTimeout(() => call.answer(request), 1) });
      const { trailers } = await ask(session, good, { ':path': '/a.B/Later', 'grpc-timeout': timeout }).answer;
      expect(trailers['grpc-status']).toBe('0');
    });
  }
});

describe('what is answered', () => {
  test('a message, and its status in the trailers', async () => {
    const { session } = await start();
    for (const size of [0, 1, 100_000, 1_048_576]) {
      const body = message(Buffer.alloc(size, 7));
      const answer = await ask(session, body, { 'content-type': 'application/grpc+proto' }).answer;
      expect(answer.headers).toMatchObject({ ':status': 200, 'content-type': 'application/grpc' });
      expect(answer.trailers['grpc-status']).toBe('0');
      expect(answer.body.equals(body)).toBe(true);
    }
  });

  test('200 calls at a time on one connection, each with its own answer', async () => {
    const { session } = await start({ '/a.B/Later': (request, call) => void setImmediate(() => call.answer(request)) });
    const bodies = Array.from({ length: 200 }, (_, index) => message(Buffer.alloc(1300, index)));
    const answers = await Promise.all(bodies.map((body) => ask(session, body, { ':path': '/a.B/Later' }).answer));
    for (const [index, answer] of answers.entries()) expect(answer.body.equals(bodies[index]!)).toBe(true);
  });

  test('who has left is not answered', async () => {
    let running: GrpcCall | undefined;
    const { session } = await start({ '/a.B/Never': (_request, call) => (running = call) });
    const { stream } = ask(session, message(Buffer.from('x')), { ':path': '/a.B/Never' });
    await vi.waitFor(() => expect(running).toBeDefined());
    expect(running!.gone).toBe(false);
    stream.close(8);
    await vi.waitFor(() => expect(running!.gone).toBe(true));
    running!.answer(Buffer.from('late'));
    expect((await ask(session, message(Buffer.from('x'))).answer).trailers['grpc-status']).toBe('0');
  });
});

describe('closing', () => {
  test('a call that runs is answered; then the connection closes', async () => {
    let running: GrpcCall | undefined;
    const { service, session } = await start({ '/a.B/Later': (_request, call) => (running = call) });
    const { answer } = ask(session, message(Buffer.from('x')), { ':path': '/a.B/Later' });
    await vi.waitFor(() => expect(running).toBeDefined());
    const closed = service.close(60_000);
    running!.answer(Buffer.from('y'));
    expect((await answer).trailers['grpc-status']).toBe('0');
    await closed;
  });

  test('a call that never ends is cut off', async () => {
    let running: GrpcCall | undefined;
    const { service, session } = await start({ '/a.B/Never': (_request, call) => (running = call) });
    const { answer } = ask(session, message(Buffer.from('x')), { ':path': '/a.B/Never' });
    await vi.waitFor(() => expect(running).toBeDefined());
    await service.close(1);
    expect((await answer).headers).toEqual({});
    expect(running!.gone).toBe(true);
  });

  test('F10: a client that stands still, and never ends its side, holds up nobody: neither an idle one nor one with a call', async () => {
    const running: GrpcCall[] = [];
    const { service, port, session } = await start({ '/a.B/Never': (_request, call) => void running.push(call) });
    const idle = createConnection({ port, host: '127.0.0.1', allowHalfOpen: true });
    // The beginning of HTTP/2, and SETTINGS without any.
    idle.write('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
    idle.write(Buffer.from('000000040000000000', 'hex'));
    await once(idle, 'data');
    const gone = once(idle, 'close');
    idle.on('error', () => {}).resume();
    const relay = await standStill(port);
    const other = connect(`http://127.0.0.1:${relay.port}`).on('error', () => {});
    void ask(other, message(Buffer.from('x')), { ':path': '/a.B/Never' });
    await vi.waitFor(() => expect(running).toHaveLength(1));
    relay.stand();
    expect((await ask(session, message(Buffer.from('x'))).answer).trailers['grpc-status']).toBe('0');
    await service.close(20);
    expect(running[0]!.gone).toBe(true);
    idle.destroy();
    await gone;
    other.destroy();
  });
});

/** Carries octets until it is told to stand still. Then it does nothing more, and ends nothing. */
async function standStill(port: number): Promise<{ readonly port: number; stand(): void }> {
  let isStanding = false;
  const sockets: Socket[] = [];
  const relay = createServer({ allowHalfOpen: true }, (near) => {
    const far = createConnection({ port, host: '127.0.0.1', allowHalfOpen: true });
    sockets.push(near, far);
    const carry = (from: Socket, to: Socket): void => {
      from.on('data', (chunk: Buffer) => void (isStanding || to.write(chunk))).on('error', () => {});
    };
    carry(near, far);
    carry(far, near);
  });
  await new Promise<void>((resolve) => relay.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    relay.close();
  });
  return { port: (relay.address() as AddressInfo).port, stand: () => void (isStanding = true) };
}

test('nothing of an answered call outlives the next collection of young objects', COLLECTED, async ({ skip }) => {
  const calls = await ShortLived.create(skip);
  const { session } = await start({
    '/a.B/Echo': (request, call) => {
      calls.note(call);
      call.answer(request);
    },
  });
  for (let index = 0; index < 100; index += 1) await ask(session, message(Buffer.from('x'))).answer;
  await calls.expectGone();
});
