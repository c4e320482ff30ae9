import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { type Http2DispatcherOptions, createDispatcherFactory } from '@watchword/http2';
import { Agent, fetch, interceptors, request, stream } from 'undici';
import { describe, expect, it } from 'vitest';
import { withServer } from './server.ts';

type Listener = Parameters<typeof withServer>[0];

async function withAgent(
  listener: Listener,
  work: (agent: Agent, origin: string) => Promise<void>,
  options: Partial<Http2DispatcherOptions> = {},
): Promise<void> {
  await withServer(listener, async ({ origin }) => {
    const agent = new Agent({ factory: createDispatcherFactory({ traffic: { callers: 10 }, ...options }) as never });
    await work(agent, origin).finally(() => agent.destroy());
  });
}

const echo: Listener = async (req, res) => {
  const body = await text(req);
  res.setHeader('x-method', req.method);
  res.end(JSON.stringify({ body, headers: req.headers }));
};

describe('refuses', () => {
  it.each([
    [{ authorization: 'outside' }, 'must be "strip" or "keep"'],
    [{ allowH2: true }, 'dispatcher.allowH2: unknown option'],
  ])('%j', (options, message) => {
    expect(() => createDispatcherFactory({ traffic: { callers: 1 }, ...options } as never)).toThrow(message);
  });

  it('what HTTP/2 cannot carry, to the one who asked', async () => {
    await withAgent(echo, async (dispatcher, origin) => {
      await expect(request(origin, { dispatcher, upgrade: 'websocket' } as never)).rejects.toThrow();
      await expect(request(origin, { dispatcher, method: 'CONNECT' } as never)).rejects.toThrow();
      await expect(request(origin, { dispatcher, method: 'POST', body: {} as never })).rejects.toThrow('body');
    });
  });

  it('requests after it was closed', async () => {
    await withAgent(echo, async (_agent, origin) => {
      const dispatcher = createDispatcherFactory({ traffic: { callers: 1 } })(origin);
      await dispatcher.close();
      await expect(request(`${origin}/`, { dispatcher: dispatcher as never })).rejects.toMatchObject({ code: 'UND_ERR_CLOSED' });
    });
  });
});

describe("undici's request", () => {
  it.each<[string, () => unknown]>([
    ['text', () => 'body'],
    ['bytes', () => new TextEncoder().encode('body')],
    ['a stream', () => Readable.from([Buffer.from('bo'), Buffer.from('dy')])],
    [
      'an async iterable',
      async function* () {
        yield Buffer.from('bo');
        yield Buffer.from('dy');
      },
    ],
  ])('sends a body of %s', async (_kind, make) => {
    await withAgent(echo, async (dispatcher, origin) => {
      const made = make();
      const { statusCode, headers, body } = await request(`${origin}/a`, { dispatcher, method: 'POST', body: made as never });
      expect([statusCode, headers['x-method']]).toEqual([200, 'POST']);
      expect(((await body.json()) as { body: string }).body).toBe('body');
    });
  });

  it('takes headers of every shape, and drops those of one connection and the external token', async () => {
    const shapes: unknown[] = [
      { 'X-A': '1', Connection: 'keep-alive', Authorization: 'Bearer external' },
      ['X-A', '1', 'Host', 'evil', 'authorization', 'Bearer external'],
      new Map([
        ['x-a', '1'],
        ['transfer-encoding', 'chunked'],
      ]),
    ];
    await withAgent(echo, async (dispatcher, origin) => {
      for (const headers of shapes) {
        const { body } = await request(`${origin}/a`, { dispatcher, headers: headers as never });
        const seen = ((await body.json()) as { headers: object }).headers;
        expect(seen).toMatchObject({ 'x-a': '1', ':authority': new URL(origin).host });
        expect(Object.keys(seen)).not.toEqual(expect.arrayContaining(['authorization']));
      }
    });
  });

  it('gets trailers, and several fields of one name', async () => {
    const listener: Listener = (_req, res) => {
      res.setHeader('set-cookie', ['a=1', 'b=2']);
      res.addTrailers({ 'x-sum': '7' });
      res.end('body');
    };
    await withAgent(listener, async (dispatcher, origin) => {
      const { headers, body, trailers } = await request(origin, { dispatcher });
      expect(headers['set-cookie']).toEqual(['a=1', 'b=2']);
      await body.text();
      expect(trailers).toEqual({ 'x-sum': '7' });
    });
  });

  it('holds back a large answer that nobody reads, and gets all of it in the end', async () => {
    const size = 4 * 2 ** 20;
    await withAgent(
      (_req, res) => void res.end(Buffer.alloc(size, 'x')),
      async (dispatcher, origin) => {
        const { body } = await request(origin, { dispatcher });
        await new Promise((resolve) => setTimeout(resolve, 50));
        expect(body.readableLength).toBeLessThan(size / 4);
        expect((await body.arrayBuffer()).byteLength).toBe(size);
      },
    );
  });

  it('is told of an answer that breaks off, and of one that does not come', async () => {
    const listener: Listener = (req, res) => {
      if (req.url === '/silent') return;
      res.write('half');
      setTimeout(() => res.stream.close(2), 20);
    };
    await withAgent(listener, async (dispatcher, origin) => {
      const { body } = await request(`${origin}/half`, { dispatcher });
      await expect(body.text()).rejects.toThrow();
      await expect(request(`${origin}/silent`, { dispatcher, headersTimeout: 50 })).rejects.toMatchObject({
        code: 'UND_ERR_HEADERS_TIMEOUT',
      });
    });
    await expect(
      withAgent(listener, (dispatcher) => request('http://127.0.0.1:1/', { dispatcher }).then(() => undefined)),
    ).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  });

  it('ends its stream when it is aborted', async () => {
    const closed = Promise.withResolvers<number>();
    const listener: Listener = (req) => void req.stream.once('close', () => closed.resolve(req.stream.rstCode));
    await withAgent(listener, async (dispatcher, origin) => {
      const controller = new AbortController();
      const answer = request(origin, { dispatcher, signal: controller.signal });
      setTimeout(() => controller.abort(), 30);
      await expect(answer).rejects.toMatchObject({ name: 'AbortError' });
      expect(await closed.promise).toBe(8);
    });
  });
});

it("works below undici's fetch, stream and interceptors", async () => {
  const attempts: string[] = [];
  const listener: Listener = (req, res) => {
    attempts.push(req.url);
    if (req.url === '/moved') res.writeHead(302, { location: '/here' }).end();
    else if (attempts.filter((url) => url === '/flaky').length === 1) res.writeHead(503).end();
    else res.end('here');
  };
  await withAgent(listener, async (agent, origin) => {
    expect(await (await fetch(`${origin}/moved`, { dispatcher: agent })).text()).toBe('here');
    const chunks: string[] = [];
    const { Writable } = await import('node:stream');
    const sink = new Writable({ write: (chunk, _encoding, done) => (chunks.push(String(chunk)), done()) });
    await stream(`${origin}/x`, { dispatcher: agent, method: 'GET' }, () => sink);
    expect(chunks).toEqual(['here']);
    const retrying = agent.compose(interceptors.retry({ minTimeout: 1, maxTimeout: 1 }));
    expect(await (await request(`${origin}/flaky`, { dispatcher: retrying })).body.text()).toBe('here');
  });
});
