/** All four kinds of calls: refused before the handler, run as the caller, ended when the token expires. */
import { once } from 'node:events';
import {
  Client,
  type ClientReadableStream,
  type ClientWritableStream,
  Metadata,
  Server,
  type ServerDuplexStream,
  type ServerUnaryCall,
  type ServerWritableStream,
  type ServiceError,
  credentials,
} from '@grpc/grpc-js';
import { type TrustDomain, createTrustDomain } from '@watchword/conformance';
import { WatchwordError, currentIdentity, currentIdentityOrNobody } from '@watchword/core';
import { type Handler, type ServerInterceptorOptions, createServerInterceptor, implement } from '@watchword/grpc';
import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { BYTES, bind } from './host.ts';

const same = (bytes: Buffer): Buffer => bytes;
let trust: TrustDomain;
let token: string;
const open: { client: Client; server: Server }[] = [];

beforeAll(async () => {
  trust = createTrustDomain();
  token = await trust.tokenFor('user-1', 'orders:read');
});
afterEach(() => {
  for (const { client, server } of open.splice(0)) {
    client.close();
    server.forceShutdown();
  }
});

const KINDS = {
  unary: { requestStream: false, responseStream: false },
  collect: { requestStream: true, responseStream: false },
  list: { requestStream: false, responseStream: true },
  chat: { requestStream: true, responseStream: true },
};
type Kind = keyof typeof KINDS;

describe('refuses', () => {
  it.each([
    [{ methods: { unary: {} } }, 'must be /package.Service/Method'],
    [{ methods: { '/t.T/unary': { scopes: [] } } }, 'must be a list of scope-tokens'],
    [{ methods: { '/t.T/unary': { scope: ['a'] } } }, 'scope: unknown option'],
    [{ streams: 'forever' }, 'must be "end-at-expiry" or "run-on"'],
    [{ public: [] }, 'serverInterceptor.public: unknown option'],
  ])('%j', (options, message) => {
    expect(() => createServerInterceptor(trust.createPipeline(), options as ServerInterceptorOptions)).toThrow(message);
  });

  it.each(Object.keys(KINDS) as Kind[])('a %s call without a good token, before its handler is entered', async (kind) => {
    const entered: string[] = [];
    const client = await start({ [kind]: () => void entered.push(kind) });
    expect(await statusOf(client, kind)).toMatchObject({ code: 16, details: 'A token is required' });
    const bad = await trust.badToken('forged');
    expect(await statusOf(client, kind, bad)).toMatchObject({ code: 16, details: 'The token was not accepted' });
    expect(entered).toEqual([]);
  });

  it('a missing scope with PERMISSION_DENIED and the name of the scope', async () => {
    const client = await start({ unary: () => Buffer.alloc(0) }, { methods: { '/t.T/unary': { scopes: ['orders:write'] } } });
    const { code, metadata } = await statusOf(client, 'unary', token);
    expect(code).toBe(7);
    expect(metadata.get('www-authenticate')).toEqual([expect.stringContaining('scope="orders:write"')]);
  });
});

describe('runs the handler as the caller', () => {
  it('of all four kinds, in handlers and in events', async () => {
    const seen = new Set<string>();
    const look = (): void => void seen.add(currentIdentity().subject);
    const client = await start({
      unary: async () => (await Promise.resolve(), look(), Buffer.from('done')),
      collect: (call: ServerDuplexStream<Buffer, Buffer>, callback: (error: null, reply: Buffer) => void) => {
        look();
        call.on('data', look).on('end', () => (look(), callback(null, Buffer.from('done'))));
      },
      list: (call: ServerWritableStream<Buffer, Buffer>) => {
        look();
        call.write(Buffer.from('done'), () => (look(), call.end()));
      },
      chat: (call: ServerDuplexStream<Buffer, Buffer>) => {
        call.on('data', (chunk: Buffer) => (look(), call.write(chunk))).on('end', () => (look(), call.end()));
      },
    });
    for (const kind of Object.keys(KINDS) as Kind[]) expect((await statusOf(client, kind, token)).code, kind).toBe(0);
    expect([...seen]).toEqual(['user-1']);
  });

  it("and tells it of the client's cancellation in the same context", async () => {
    const cancelled = Promise.withResolvers<string>();
    const client = await start({
      list: (call: ServerWritableStream<Buffer, Buffer>) => {
        call.on('cancelled', () => cancelled.resolve(currentIdentity().subject));
        call.write(Buffer.from('first'));
      },
    });
    const call = list(client, token);
    call.on('error', () => undefined);
    await once(call, 'data');
    call.cancel();
    expect(await cancelled.promise).toBe('user-1');
  });

  it("or on nobody's behalf where the method is public", async () => {
    const handler: Handler = () => Buffer.from(String(currentIdentityOrNobody()?.subject ?? 'nobody'));
    const client = await start({ unary: handler }, { methods: { '/t.T/unary': 'public' } });
    expect(await statusOf(client, 'unary', token)).toMatchObject({ code: 0, body: 'nobody' });
  });

  it('without tokens in the metadata, so that it cannot copy them into calls of its own', async () => {
    const handler: Handler = (call: ServerUnaryCall<Buffer, Buffer>) => Buffer.from(Object.keys(call.metadata.getMap()).join());
    const client = await start({ unary: handler });
    const { body } = await statusOf(client, 'unary', token, { authorization: 'Bearer external', 'x-kept': '1' });
    expect(body).toContain('x-kept');
    expect(body).not.toMatch(/txn-token|authorization/);
  });
});

describe('a stream whose token expires', () => {
  const writing: Handler = (call: ServerWritableStream<Buffer, Buffer>) => {
    call.write(Buffer.from('first'));
    call.on('cancelled', () => (call.write(Buffer.from('too late')), call.end()));
  };

  it('is ended with UNAUTHENTICATED, by the clock and not by the timer', async () => {
    const time = fakeTime();
    const client = await start({ list: writing }, time);
    const call = list(client, token);
    const ended = once(call, 'error') as Promise<[ServiceError]>;
    await once(call, 'data');
    const [timer] = time.timers;
    expect(timer!.delayMs).toBeGreaterThan(290_000);
    // A timer that is early waits once more.
    time.advance(timer!.delayMs - 5);
    timer!.callback();
    expect(time.timers[1]!.delayMs).toBe(5);
    time.advance(5);
    time.timers[1]!.callback();
    expect((await ended)[0]).toMatchObject({ code: 16, details: 'The token was not accepted' });
  });

  it('runs on where that is asked for, and calls without a stream are not watched', async () => {
    const time = fakeTime();
    const running = await start({ list: writing }, { ...time, streams: 'run-on' });
    const call = list(running, token);
    call.on('error', () => undefined);
    await once(call, 'data');
    call.cancel();
    const client = await start({ unary: () => Buffer.alloc(0) }, time);
    await statusOf(client, 'unary', token);
    expect(time.timers).toEqual([]);
  });

  it('is not watched any more once it has ended', async () => {
    const time = fakeTime();
    const client = await start({ list: (call: ServerWritableStream<Buffer, Buffer>) => void call.end() }, time);
    expect((await statusOf(client, 'list', token)).code).toBe(0);
    expect(time.timers[0]!.isCancelled).toBe(true);
  });
});

describe('implement', () => {
  it.each(Object.keys(KINDS) as Kind[])('tells what a %s handler throws and rejects with as a status', async (kind) => {
    const client = await start({
      [kind]: () => {
        throw new WatchwordError('upstream_unavailable', 'orders at 10.0.0.1');
      },
    });
    expect(await statusOf(client, kind, token)).toMatchObject({ code: 14, details: 'The upstream is unavailable' });
    const rejecting = await start({ [kind]: async () => Promise.reject(new WatchwordError('scope_insufficient')) });
    expect((await statusOf(rejecting, kind, token)).code).toBe(7);
    const warned = vi.spyOn(process, 'emitWarning').mockImplementation(() => undefined);
    const foreign = await start({ [kind]: async () => Promise.reject(new Error(`cannot read ${token}`)) });
    expect(await statusOf(foreign, kind, token)).toMatchObject({ code: 13, details: 'Internal error' });
    expect(warned).toHaveBeenCalledOnce();
    warned.mockRestore();
  });

  it('leaves statuses that the handler chose, and the callback style, as they are', async () => {
    const client = await start({
      unary: (_call: never, callback: (error: object) => void) => callback({ code: 9, details: 'sold out' }),
    });
    expect(await statusOf(client, 'unary', token)).toMatchObject({ code: 9, details: 'sold out' });
  });

  it('refuses a service with a method that nobody handles', () => {
    expect(() => implement(definitionOf(['unary', 'list']), { unary: () => Buffer.alloc(0) })).toThrow('no handler for list');
  });
});

function definitionOf(kinds: readonly Kind[]): Parameters<typeof implement>[0] {
  return Object.fromEntries(kinds.map((kind) => [kind, { path: `/t.T/${kind}`, ...KINDS[kind], ...BYTES }]));
}

async function start(
  handlers: Partial<Record<Kind, Handler>>,
  options: ServerInterceptorOptions & { timers?: unknown; advance?: unknown } = {},
): Promise<Client> {
  const { timers: _, advance: __, ...known } = options;
  const server = new Server({ interceptors: [createServerInterceptor(trust.createPipeline(), known)] });
  const definition = definitionOf(Object.keys(handlers) as Kind[]);
  server.addService(definition, implement(definition, handlers));
  const client = new Client(`127.0.0.1:${await bind(server)}`, credentials.createInsecure());
  open.push({ client, server });
  return client;
}

interface Outcome {
  readonly code: number;
  readonly details: string;
  readonly metadata: Metadata;
  readonly body: string;
}

function metadataOf(carried: string | undefined, more: Record<string, string> = {}): Metadata {
  const metadata = new Metadata();
  for (const [name, value] of Object.entries(more)) metadata.set(name, value);
  if (carried !== undefined) metadata.set('txn-token', carried);
  return metadata;
}

function list(client: Client, carried?: string): ClientReadableStream<Buffer> {
  return client.makeServerStreamRequest('/t.T/list', same, same, Buffer.alloc(0), metadataOf(carried));
}

async function statusOf(client: Client, kind: Kind, carried?: string, more?: Record<string, string>): Promise<Outcome> {
  const metadata = metadataOf(carried, more);
  const body: Buffer[] = [];
  const { promise, resolve } = Promise.withResolvers<{ code: number; details: string; metadata: Metadata }>();
  const reply = (_error: unknown, value?: Buffer): void => void (value && body.push(value));
  const path = `/t.T/${kind}`;
  const call = {
    unary: () => client.makeUnaryRequest(path, same, same, Buffer.alloc(0), metadata, reply),
    collect: () => client.makeClientStreamRequest(path, same, same, metadata, reply),
    list: () => client.makeServerStreamRequest(path, same, same, Buffer.alloc(0), metadata),
    chat: () => client.makeBidiStreamRequest(path, same, same, metadata),
  }[kind]();
  call.on('status', resolve).on('error', () => undefined);
  if ('read' in call) call.on('data', (chunk: Buffer) => body.push(chunk));
  if (KINDS[kind].requestStream) {
    const writable = call as ClientWritableStream<Buffer>;
    writable.write(Buffer.from('a'));
    writable.end();
  }
  return { ...(await promise), body: Buffer.concat(body).toString() };
}

interface Timer {
  readonly callback: () => void;
  readonly delayMs: number;
  isCancelled: boolean;
}

function fakeTime(): { timers: Timer[]; advance(ms: number): void } & Required<
  Pick<ServerInterceptorOptions, 'clock' | 'schedule'>
> {
  let now = Date.now();
  const timers: Timer[] = [];
  return {
    timers,
    advance: (ms) => void (now += ms),
    clock: () => now,
    schedule: (callback, delayMs) => {
      const timer = { callback, delayMs, isCancelled: false };
      timers.push(timer);
      return () => void (timer.isCancelled = true);
    },
  };
}
