import { createHopMeter } from '@watchword/http2';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { UpstreamConfig } from '../../src/config/config.ts';
import { createHttp1Target } from '../../src/upstream/http1-target.ts';
import type { Exchange, Target } from '../../src/upstream/target.ts';
import { startUpstream } from '../support/upstream.ts';

const CONFIG = { connections: 1, connectTimeoutMs: 1000, responseTimeoutMs: 5000, bodyTimeoutMs: 5000 } as UpstreamConfig;

function createTarget(url: string): Target {
  const target = createHttp1Target(url, CONFIG, {}, createHopMeter('test'));
  onTestFinished(() => target.destroy());
  return target;
}

/** The status, or the code of the failure. */
function ask(target: Target, path = '/', headers: string[] = []): Promise<unknown> {
  return new Promise((resolve) => {
    let status = 0;
    const exchange: Exchange = {
      onRequestStart() {},
      onResponseStart: (_flow, code) => void (status = code),
      onResponseData() {},
      onResponseEnd: () => resolve(status),
      onResponseError: (_flow, error) => resolve((error as { code?: unknown }).code),
    };
    target.send({ method: 'GET', path, headers, body: null }, exchange);
  });
}

describe('one connection', () => {
  test('a request that cannot be sent does not cost it', async () => {
    const target = createTarget((await startUpstream()).url);
    for (let round = 0; round < 3; round += 1) {
      expect(await ask(target, '/', ['x', 'a\r\nb: c'])).toBe('UND_ERR_INVALID_ARG');
      expect(await ask(target)).toBe(200);
    }
  });

  test('one that dies, or that could not be made, does not either', async () => {
    const upstream = await startUpstream((request, response) =>
      request.url === '/die' ? void request.socket.destroy() : void response.end(),
    );
    const target = createTarget(upstream.url);
    expect([await ask(target, '/die'), await ask(target), await ask(target, '/die'), await ask(target)]).toEqual([
      'UND_ERR_SOCKET',
      200,
      'UND_ERR_SOCKET',
      200,
    ]);
    const nobody = createTarget('http://127.0.0.1:1');
    expect([await ask(nobody), await ask(nobody)]).toEqual(['ECONNREFUSED', 'ECONNREFUSED']);
  });

  test('many wait for it, in order, and close waits for all of them', async () => {
    const upstream = await startUpstream((_request, response) => void setTimeout(() => response.end(), 5));
    const target = createTarget(upstream.url);
    const answers = Array.from({ length: 20 }, (_, index) => ask(target, `/${index}`));
    const closed = target.close();
    expect(await ask(target)).toBe('UND_ERR_CLOSED');
    expect(await Promise.all(answers)).toEqual(answers.map(() => 200));
    await closed;
    expect(upstream.seen.map((seen) => seen.target)).toEqual(answers.map((_, index) => `/${index}`));
  });

  test('the next request goes over it as soon as an answer has ended, whatever becomes of it then', async () => {
    for (const connection of ['keep-alive', 'close']) {
      const ports = new Set<number | undefined>();
      const upstream = await startUpstream((request, response) => {
        ports.add(request.socket.remotePort);
        response.writeHead(200, { connection, 'content-length': '2' }).end('ok');
      });
      const target = createTarget(upstream.url);
      const ended = await new Promise<(number | string)[]>((resolve) => {
        const statuses: (number | string)[] = [];
        const next = (): void => {
          if (statuses.length === 20) return resolve(statuses);
          let status = 0;
          target.send(
            { method: 'GET', path: `/${statuses.length}`, headers: [], body: null },
            {
              onRequestStart() {},
              onResponseStart: (_flow, code) => void (status = code),
              onResponseData() {},
              onResponseEnd() {
                statuses.push(status);
                next();
              },
              onResponseError(_flow, error) {
                statuses.push(error.message);
                next();
              },
            },
          );
        };
        next();
      });
      expect(ended).toEqual(ended.map(() => 200));
      expect(ports.size).toBe(connection === 'close' ? 20 : 1);
      expect(upstream.seen.map((seen) => seen.target)).toEqual(ended.map((_, index) => `/${index}`));
    }
  });

  test('F1: nothing of an answer that was given up reaches the next request', async () => {
    const upstream = await startUpstream((request, response) => {
      if (request.url !== '/long') return void response.end(request.url);
      response.writeHead(200, { 'content-length': '1000000' }).write('x');
    });
    const target = createTarget(upstream.url);
    for (let round = 0; round < 5; round += 1) {
      const answers = await new Promise<string[]>((resolve) => {
        const told: string[] = [];
        target.send(
          { method: 'GET', path: '/long', headers: [], body: null },
          {
            onRequestStart() {},
            onResponseStart() {},
            onResponseData: (flow) => flow.abort(new Error('given up')),
            onResponseEnd: () => told.push('end'),
            onResponseError(_flow, error) {
              told.push(error.message);
              // In the same turn, over the connection that is about to be closed.
              target.send(
                { method: 'GET', path: '/short', headers: [], body: null },
                {
                  onRequestStart() {},
                  onResponseStart() {},
                  onResponseData: (_flow, chunk) => void told.push(chunk.toString()),
                  onResponseEnd: () => resolve(told),
                  onResponseError: (_again, { message }) => resolve([...told, message]),
                },
              );
            },
          },
        );
      });
      expect(answers).toEqual(['given up', '/short']);
    }
  });

  test('destroy ends what runs and what waits', async () => {
    const upstream = await startUpstream(() => {});
    const target = createTarget(upstream.url);
    const answers = [1, 2, 3].map(() => ask(target));
    await target.destroy();
    expect(await Promise.all(answers)).toEqual(['UND_ERR_DESTROYED', 'UND_ERR_DESTROYED', 'UND_ERR_DESTROYED']);
  });
});
