import { once } from 'node:events';
import { type Http2Server, type IncomingHttpHeaders, connect, createServer } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { createTrustDomain } from '@watchword/conformance';
import { type Pipeline, WatchwordError, currentIdentity } from '@watchword/core';
import { type StreamHandler, anonymousStream, protect, protectStream } from '@watchword/http2';
import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest';

let pipeline: Pipeline;
let token: string;
const warnings = vi.spyOn(process, 'emitWarning').mockImplementation(() => undefined);
beforeAll(async () => {
  const trust = createTrustDomain();
  pipeline = trust.createPipeline();
  token = await trust.tokenFor('user-1');
});
afterEach(() => warnings.mockClear());

interface Answer {
  readonly status: number;
  readonly body: string;
  readonly code: number;
}

async function ask(server: Http2Server, end: 'whole' | 'reset' = 'whole'): Promise<Answer> {
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const session = connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  const stream = session.request({ 'txn-token': token }, { endStream: end === 'whole' });
  let status = 0;
  stream.on('response', (headers: IncomingHttpHeaders) => (status = Number(headers[':status'])));
  if (end === 'reset') stream.once('response', () => stream.close(8));
  const body = await text(stream).catch(() => 'broken off');
  if (!stream.closed) await once(stream, 'close');
  session.destroy();
  await new Promise((resolve) => server.close(resolve));
  return { status, body, code: stream.rstCode };
}

function guarded(handler: StreamHandler): Http2Server {
  const server = createServer();
  server.on('stream', protectStream(pipeline, handler) as never);
  return server;
}

describe('a stream handler that fails', () => {
  it('before it answers: a problem, and the error is reported', async () => {
    const server = guarded(() => Promise.reject(new TypeError('not foreseen')));
    expect(await ask(server)).toMatchObject({ status: 500, body: expect.not.stringContaining('foreseen') });
    expect(warnings).toHaveBeenCalledWith(expect.objectContaining({ message: 'not foreseen' }), 'WatchwordWarning');
  });

  it('in the middle of its answer: the stream is reset, so that nobody takes it for whole', async () => {
    const server = guarded((stream) => {
      stream.respond({ ':status': 200 });
      stream.write('half');
      return Promise.reject(new WatchwordError('upstream_timeout'));
    });
    expect(await ask(server)).toMatchObject({ status: 200, code: 2 });
  });

  it('after its answer: the answer stays as it is', async () => {
    const server = guarded((stream) => {
      stream.respond({ ':status': 200 });
      stream.end('whole');
      return Promise.reject(new WatchwordError('upstream_timeout'));
    });
    expect(await ask(server)).toMatchObject({ status: 200, body: 'whole', code: 0 });
  });

  it('is a problem on public routes too', async () => {
    const server = createServer();
    server.on('stream', anonymousStream(() => Promise.reject(new WatchwordError('overloaded'))) as never);
    expect((await ask(server)).status).toBe(503);
  });
});

it('F5: a client that resets its stream is no uncaught exception; the handler hears of it as its caller', async () => {
  const heard = Promise.withResolvers<string>();
  const server = guarded((stream) => {
    stream.once('close', () => heard.resolve(currentIdentity().subject));
    stream.respond({ ':status': 200 });
    stream.write('first');
  });
  await ask(server, 'reset');
  expect(await heard.promise).toBe('user-1');
});

it('resets a stream whose request handler fails in the middle of its answer', async () => {
  const server = createServer(
    protect(pipeline, (_req, res) => {
      res.writeHead(200);
      res.write('half');
      throw new WatchwordError('upstream_timeout');
    }),
  );
  expect(await ask(server)).toMatchObject({ status: 200, code: 2 });
});

it.each([
  [{ scopes: [] }, 'protectStream.scopes'],
  [{ scope: ['a'] }, 'protectStream.scope: unknown option'],
])('refuses %j', (options, message) => {
  expect(() => protectStream(pipeline, () => undefined, options as never)).toThrow(message);
});
