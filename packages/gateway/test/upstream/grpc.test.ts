import { once } from 'node:events';
import {
  type Metadata as GrpcMetadata,
  Metadata,
  type Server,
  type ServerDuplexStream,
  type ServerReadableStream,
  type ServerUnaryCall,
  type ServerWritableStream,
  type ServiceError,
  type StatusObject,
  type UntypedServiceImplementation,
  type sendUnaryData,
  status,
} from '@grpc/grpc-js';
import { describe, expect, test, vi } from 'vitest';
import { makeCertificate } from '../support/certificates.ts';
import { type TestEdge, startEdge } from '../support/edge.ts';
import { type EchoClient, createGrpcClient, startGrpcServer } from '../support/grpc-peers.ts';
import { startHttp2Upstream } from '../support/http2-upstream.ts';

const ROUTES = [{ path: '/test.Echo/*', upstream: 'main', methods: ['POST'] }];

function trailer(name: string, value: string): GrpcMetadata {
  const metadata = new Metadata();
  metadata.set(name, value);
  return metadata;
}

const seen: GrpcMetadata[] = [];
const IMPLEMENTATION: UntypedServiceImplementation = {
  Unary(call: ServerUnaryCall<string, string>, done: sendUnaryData<string>) {
    seen.push(call.metadata);
    if (call.request === 'fail') done({ code: status.NOT_FOUND, details: 'nothing here', metadata: trailer('x-why', 'gone') });
    else if (call.request !== 'never') done(null, call.request.toUpperCase(), trailer('x-sum', '42'));
  },
  ServerStream(call: ServerWritableStream<string, string>) {
    for (const part of call.request.split(' ')) call.write(part);
    call.end(trailer('x-count', '3'));
  },
  ClientStream(call: ServerReadableStream<string, string>, done: sendUnaryData<string>) {
    const parts: string[] = [];
    call.on('data', (part: string) => parts.push(part));
    call.on('end', () => done(null, parts.join('-')));
  },
  Bidi(call: ServerDuplexStream<string, string>) {
    call.on('data', (part: string) => {
      if (part === 'enough') call.emit('error', { code: status.RESOURCE_EXHAUSTED, details: 'enough' });
      else call.write(part.toUpperCase());
    });
    call.on('end', () => call.end());
    call.on('error', () => {});
  },
};

async function startGrpcEdge(
  url: string,
  upstream: object = {},
  rest: Record<string, unknown> = {},
): Promise<TestEdge & { client: EchoClient }> {
  const edge = await startEdge(url, { upstream: { protocol: 'grpc', ...upstream }, routes: ROUTES, ...rest });
  return { ...edge, client: createGrpcClient(edge.port) };
}

function authorized(edge: TestEdge): GrpcMetadata {
  return trailer('authorization', edge.bearer().authorization!);
}

interface UnaryOutcome {
  readonly error: ServiceError | null;
  readonly value: string | undefined;
  readonly status: StatusObject | undefined;
}

function unary(edge: { client: EchoClient }, message: string, metadata: GrpcMetadata): Promise<UnaryOutcome> {
  return new Promise((resolve) => {
    let last: StatusObject | undefined;
    const options = { deadline: Date.now() + 5000 };
    const call = edge.client.Unary!(message, metadata, options, (error: ServiceError | null, value: string | undefined) => {
      setImmediate(() => resolve({ error, value, status: last }));
    });
    call.on('status', (outcome: StatusObject) => (last = outcome));
  });
}

describe('the edge refuses a call in the words of gRPC', () => {
  test('without a token: UNAUTHENTICATED; without the scope: PERMISSION_DENIED; without a route: NOT_FOUND', async () => {
    const upstream = await startGrpcServer(IMPLEMENTATION);
    const edge = await startGrpcEdge(upstream.url);
    expect((await unary(edge, 'x', new Metadata())).error?.code).toBe(status.UNAUTHENTICATED);
    const scoped = await startGrpcEdge(upstream.url, {}, { routes: [{ ...ROUTES[0], scopes: ['admin'] }] });
    expect((await unary(scoped, 'x', authorized(scoped))).error?.code).toBe(status.PERMISSION_DENIED);
    const other = await startGrpcEdge(upstream.url, {}, { routes: [{ path: '/other', upstream: 'main' }] });
    expect((await unary(other, 'x', authorized(other))).error?.code).toBe(status.NOT_FOUND);
  });

  test('with an upstream that is not there: UNAVAILABLE', async () => {
    const edge = await startGrpcEdge('http://127.0.0.1:1');
    expect((await unary(edge, 'x', authorized(edge))).error?.code).toBe(status.UNAVAILABLE);
  });
});

describe('all four kinds of calls', () => {
  test('unary: message, metadata and trailers', async () => {
    const edge = await startGrpcEdge((await startGrpcServer(IMPLEMENTATION)).url);
    seen.length = 0;
    const outcome = await unary(edge, 'hello', authorized(edge));
    expect([outcome.error, outcome.value]).toEqual([null, 'HELLO']);
    expect(outcome.status?.metadata.get('x-sum')).toEqual(['42']);
    // Invariant 10: the service gets a Txn-Token instead of the external token.
    expect(seen[0]!.get('authorization')).toEqual([]);
    expect(seen[0]!.get('txn-token')).toHaveLength(1);
  });

  test('an error of the service keeps its code, its text and its trailers', async () => {
    const edge = await startGrpcEdge((await startGrpcServer(IMPLEMENTATION)).url);
    const { error } = await unary(edge, 'fail', authorized(edge));
    expect([error?.code, error?.details]).toEqual([status.NOT_FOUND, 'nothing here']);
    expect(error?.metadata.get('x-why')).toEqual(['gone']);
  });

  test('server streaming', async () => {
    const edge = await startGrpcEdge((await startGrpcServer(IMPLEMENTATION)).url);
    const call = edge.client.ServerStream!('a b c', authorized(edge));
    const parts: string[] = [];
    call.on('data', (part: string) => parts.push(part));
    const [outcome] = (await once(call, 'status')) as [StatusObject];
    expect([parts, outcome.code, outcome.metadata.get('x-count')]).toEqual([['a', 'b', 'c'], status.OK, ['3']]);
  });

  test('client streaming', async () => {
    const edge = await startGrpcEdge((await startGrpcServer(IMPLEMENTATION)).url);
    const value = await new Promise((resolve, reject) => {
      const call = edge.client.ClientStream!(authorized(edge), (error: ServiceError | null, answer: string) =>
        error === null ? resolve(answer) : reject(error),
      );
      for (const part of ['a', 'b', 'c']) call.write(part);
      call.end();
    });
    expect(value).toBe('a-b-c');
  });

  test('both ways at once: each answer comes before the next question', async () => {
    const edge = await startGrpcEdge((await startGrpcServer(IMPLEMENTATION)).url);
    const call = edge.client.Bidi!(authorized(edge));
    for (const part of ['one', 'two', 'three']) {
      call.write(part);
      expect(await once(call, 'data')).toEqual([part.toUpperCase()]);
    }
    call.end();
    const ended = once(call, 'status');
    call.resume();
    expect(((await ended) as [StatusObject])[0].code).toBe(status.OK);
  });

  test('the service may end a stream whose client goes on', async () => {
    const edge = await startGrpcEdge((await startGrpcServer(IMPLEMENTATION)).url);
    const call = edge.client.Bidi!(authorized(edge));
    call.on('error', () => {});
    call.write('one');
    await once(call, 'data');
    call.write('enough');
    const outcome = await new Promise<StatusObject>((resolve) => call.on('status', resolve));
    expect([outcome.code, outcome.details]).toEqual([status.RESOURCE_EXHAUSTED, 'enough']);
  });

  test('a large message in both directions', async () => {
    const edge = await startGrpcEdge((await startGrpcServer(IMPLEMENTATION)).url);
    const text = 'x'.repeat(3_000_000);
    const { error, value } = await unary(edge, text, authorized(edge));
    expect(error).toBeNull();
    expect(value === text.toUpperCase()).toBe(true);
  });
});

describe('when one side gives up', () => {
  test('a client that cancels ends the call at the service', async () => {
    const { promise: cancelled, resolve } = Promise.withResolvers<void>();
    const { promise: arrived, resolve: arrive } = Promise.withResolvers<void>();
    const upstream = await startGrpcServer({
      ...IMPLEMENTATION,
      Bidi(call: ServerDuplexStream<string, string>) {
        arrive();
        call.on('cancelled', resolve).on('error', () => {});
      },
    });
    const edge = await startGrpcEdge(upstream.url);
    const call = edge.client.Bidi!(authorized(edge));
    call.on('error', () => {});
    call.write('one');
    await arrived;
    call.cancel();
    await cancelled;
  });

  test('a deadline of the client is one for the service', async () => {
    const edge = await startGrpcEdge((await startGrpcServer(IMPLEMENTATION)).url);
    const call = (): Promise<ServiceError | null> =>
      new Promise((resolve) => edge.client.Unary!('never', authorized(edge), { deadline: Date.now() + 150 }, resolve));
    expect((await call())?.code).toBe(status.DEADLINE_EXCEEDED);
  });

  test('an answer that loses its connection is no success', async () => {
    const upstream = await startHttp2Upstream((stream) => {
      stream.respond({ ':status': 200, 'content-type': 'application/grpc' });
      stream.write(Buffer.from([0, 0, 0, 0, 2, 0x61]));
      setTimeout(() => stream.session?.destroy(), 30);
    });
    const edge = await startGrpcEdge(upstream.url);
    const { error } = await unary(edge, 'x', authorized(edge));
    expect(error?.code).not.toBe(status.OK);
    expect(error).not.toBeNull();
  });

  test('an answer without a status is no success', async () => {
    const upstream = await startHttp2Upstream((stream) => {
      stream.respond({ ':status': 200, 'content-type': 'application/grpc' });
      stream.end(Buffer.from([0, 0, 0, 0, 1, 0x61]));
    });
    const edge = await startGrpcEdge(upstream.url);
    expect((await unary(edge, 'x', authorized(edge))).error).not.toBeNull();
  });
});

describe('trailers', () => {
  test('hold nothing that belongs into a header, and nothing internal', async () => {
    const upstream = await startHttp2Upstream((stream) => {
      stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
      stream.on('wantTrailers', () =>
        stream.sendTrailers({
          'grpc-status': '0',
          'x-sum': '1',
          'txn-token': 'leak',
          txn_token: 'leak',
          'x-watchword-subject': 'leak',
          'set-cookie': ['a=1'],
          'cache-control': 'public',
          vary: '*',
          'access-control-allow-origin': '*',
        }),
      );
      stream.end(Buffer.from([0, 0, 0, 0, 1, 0x61]));
    });
    const edge = await startGrpcEdge(upstream.url);
    const outcome = await unary(edge, 'x', authorized(edge));
    expect([outcome.error, outcome.value]).toEqual([null, 'a']);
    expect(Object.keys(outcome.status!.metadata.getMap()).sort()).toEqual(['x-sum']);
    expect(upstream.seen[0]!.te).toBe('trailers');
  });
});

describe('several targets', () => {
  test('one that goes away with GOAWAY costs no call', async () => {
    const servers = await Promise.all([0, 1].map(() => startGrpcServer(IMPLEMENTATION)));
    const targets = servers.map(({ url }) => url);
    const edge = await startEdge('', { upstreams: { main: { targets, protocol: 'grpc', retryPercent: 100 } }, routes: ROUTES });
    const caller = { client: createGrpcClient(edge.port) };
    const failures: unknown[] = [];
    const call = async (): Promise<void> => {
      const { error } = await unary(caller, 'hello', authorized(edge));
      if (error !== null) failures.push(`${error.code} ${error.details}`);
    };
    const load = { stopped: false };
    const running = Promise.all(
      Array.from({ length: 8 }, async () => {
        while (!load.stopped) await call();
      }),
    );
    await vi.waitUntil(async () => /in_flight\{upstream="main",target="0"\} [1-9]/.test(await edge.metrics()), { interval: 5 });
    await new Promise<void>((resolve) => servers[0]!.server.tryShutdown(() => resolve()));
    for (let times = 0; times < 50; times += 1) await call();
    load.stopped = true;
    await running;
    expect(failures).toEqual([]);
  });

  test('health: grpc.health.v1 is asked, and who does not serve gets no calls', async () => {
    let serving = true;
    const identity = (bytes: Buffer): Buffer => bytes;
    const addHealth = (server: Server): void =>
      server.addService(
        {
          Check: {
            path: '/grpc.health.v1.Health/Check',
            requestStream: false,
            responseStream: false,
            requestSerialize: identity,
            requestDeserialize: identity,
            responseSerialize: identity,
            responseDeserialize: identity,
          },
        },
        {
          Check: (call: ServerUnaryCall<Buffer, Buffer>, done: sendUnaryData<Buffer>) => {
            expect(call.request.toString('latin1')).toBe('\n\u0009test.Echo');
            done(null, Buffer.from([0x08, serving ? 1 : 2]));
          },
        },
      );
    const { url } = await startGrpcServer(IMPLEMENTATION, undefined, addHealth);
    const health = { grpcService: 'test.Echo', intervalMs: 20, unhealthyThreshold: 2 };
    const edge = await startGrpcEdge(url, { health });
    const isHealthy = async (): Promise<boolean> => /upstream_healthy\{[^}]*\} 1/.test(await edge.metrics());
    expect((await unary(edge, 'x', authorized(edge))).error).toBeNull();
    expect(await isHealthy()).toBe(true);
    serving = false;
    await vi.waitUntil(async () => !(await isHealthy()));
    serving = true;
    await vi.waitUntil(isHealthy);
  });
});

describe('TLS', () => {
  test('with ALPN and a certificate of each side', async () => {
    const server = makeCertificate();
    const client = makeCertificate('gateway');
    const upstream = await startGrpcServer(IMPLEMENTATION, { ...server, clientCa: client.cert });
    const tls = { caFile: server.certFile, certFile: client.certFile, keyFile: client.keyFile };
    const edge = await startGrpcEdge(upstream.url, { tls });
    expect((await unary(edge, 'hello', authorized(edge))).value).toBe('HELLO');
    const without = await startGrpcEdge(upstream.url, { tls: { caFile: server.certFile } });
    expect((await unary(without, 'x', authorized(without))).error?.code).toBe(status.UNAVAILABLE);
  });

  test('a certificate that nobody vouches for, or for another name: UNAVAILABLE', async () => {
    const server = makeCertificate();
    const upstream = await startGrpcServer(IMPLEMENTATION, server);
    for (const tls of [{}, { caFile: server.certFile, serverName: 'other.example' }]) {
      const edge = await startGrpcEdge(upstream.url, { tls });
      expect((await unary(edge, 'x', authorized(edge))).error?.code).toBe(status.UNAVAILABLE);
    }
  });
});
