import { type IncomingMessage, type RequestListener, type ServerResponse, createServer } from 'node:http';
import { once } from 'node:events';
import { type TrustDomain, closeServer, createTrustDomain, listen } from '@watchword/conformance';
import { type Pipeline, WatchwordError, currentIdentity } from '@watchword/core';
import { anonymous, protect } from '@watchword/http';
import { beforeAll, describe, expect, it } from 'vitest';

let trust: TrustDomain;
let pipeline: Pipeline;
beforeAll(() => {
  trust = createTrustDomain();
  pipeline = trust.createPipeline();
});

async function call(listener: RequestListener, work: (origin: string, token: string) => Promise<void>): Promise<void> {
  const server = createServer(listener);
  const origin = await listen(server);
  await work(origin, await trust.tokenFor('user-1')).finally(() => closeServer(server));
}
const get = (origin: string, token: string): Promise<Response> => fetch(origin, { headers: { 'txn-token': token } });

describe('options', () => {
  it.each([
    ['scope', { scope: 'orders:read' }],
    ['scopes: a string', { scopes: 'orders:read' }],
    ['scopes: empty', { scopes: [] }],
    ['scopes: two in one', { scopes: ['a b'] }],
    ['scopes: empty string', { scopes: [''] }],
    ['not an object', null],
  ])('refuses %s while the service starts', (_what, options) => {
    expect(() => protect(pipeline, () => undefined, options as never)).toThrow(
      expect.objectContaining({ code: 'config_invalid' }),
    );
  });

  it('names the realm in the challenge', async () => {
    await call(
      protect(pipeline, () => undefined, { realm: 'orders' }),
      async (origin) => {
        expect((await fetch(origin)).headers.get('www-authenticate')).toBe('Bearer realm="orders"');
      },
    );
  });
});

describe('a handler that fails', () => {
  const failures: [string, (req: IncomingMessage, res: ServerResponse) => unknown][] = [
    [
      'throws',
      () => {
        throw new TypeError('a bug');
      },
    ],
    ['rejects', () => Promise.reject(new TypeError('a bug'))],
  ];
  it.each(failures)('%s with a bug: 500 that says nothing, and a process warning', async (_how, handler) => {
    await call(protect(pipeline, handler), async (origin, token) => {
      const warned = once(process, 'warning');
      const response = await get(origin, token);
      expect([response.status, response.headers.get('content-type')]).toEqual([500, 'application/problem+json']);
      expect(await response.text()).not.toContain('bug');
      expect((await warned)[0]).toMatchObject({ message: 'a bug' });
    });
  });

  it('has what it said about its own body taken back, and nothing else', async () => {
    const handler = (_req: IncomingMessage, res: ServerResponse): never => {
      res.setHeader('content-length', '5').setHeader('etag', '"x"').setHeader('access-control-allow-origin', '*');
      throw new WatchwordError('upstream_timeout');
    };
    await call(protect(pipeline, handler), async (origin, token) => {
      const response = await get(origin, token);
      expect(response.status).toBe(504);
      expect((await response.json()) as object).toMatchObject({ status: 504 });
      expect([response.headers.get('etag'), response.headers.get('access-control-allow-origin')]).toEqual([null, '*']);
    });
  });

  it('breaks an answer off that has begun, so that nobody takes it for complete', async () => {
    const handler = async (_req: IncomingMessage, res: ServerResponse): Promise<never> => {
      res.writeHead(200).write('half');
      throw new WatchwordError('upstream_timeout');
    };
    await call(protect(pipeline, handler), async (origin, token) => {
      await expect(get(origin, token).then((response) => response.text())).rejects.toThrow(/terminated|fetch failed/);
    });
  });

  it('keeps an answer that is complete', async () => {
    const handler = async (_req: IncomingMessage, res: ServerResponse): Promise<never> => {
      res.end('whole');
      throw new WatchwordError('upstream_timeout');
    };
    await call(protect(pipeline, handler), async (origin, token) => {
      expect(await (await get(origin, token)).text()).toBe('whole');
    });
  });

  it('gets a WatchwordError as a problem on public routes too', async () => {
    await call(
      anonymous(() => Promise.reject(new WatchwordError('overloaded'))),
      async (origin, token) => {
        expect((await get(origin, token)).status).toBe(503);
      },
    );
  });
});

describe('context', () => {
  it('reaches the events of the response', async () => {
    const finished = Promise.withResolvers<string>();
    const handler = (_req: IncomingMessage, res: ServerResponse): void => {
      res.once('close', () => finished.resolve(currentIdentity().subject)).end();
    };
    await call(protect(pipeline, handler), async (origin, token) => {
      await get(origin, token);
      expect(await finished.promise).toBe('user-1');
    });
  });

  it('does not outlive the request on its connection: the next one starts without a caller', async () => {
    const listener = protect(pipeline, (_req, res) => void res.end(currentIdentity().subject));
    await call(
      (req, res) => (req.url === '/open' ? void res.end(seen()) : listener(req, res)),
      async (origin, token) => {
        expect(await (await get(origin, token)).text()).toBe('user-1');
        expect(await (await fetch(`${origin}/open`)).text()).toBe('context_lost');
      },
    );
    function seen(): string {
      try {
        return currentIdentity().subject;
      } catch (thrown) {
        return (thrown as WatchwordError).code;
      }
    }
  });
});
