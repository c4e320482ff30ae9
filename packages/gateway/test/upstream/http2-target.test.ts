/** What is left of an exchange over HTTP/2 when its stream has closed. */
import { createServer } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { createHopMeter } from '@watchword/http2';
import { expect, onTestFinished, test } from 'vitest';
import { ShortLived } from '../../../core/test/support/collect-young.ts';
import { createConfig } from '../../src/index.ts';
import { createHttp2Target } from '../../src/upstream/http2-target.ts';
import type { Exchange } from '../../src/upstream/target.ts';

test('nothing of an answered request outlives the next collection of young objects', async ({ skip }) => {
  const exchanges = await ShortLived.create(skip);
  const server = createServer((_request, response) => void response.end('x'));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const { upstreams } = createConfig({
    listen: { port: 0 },
    control: { port: 0 },
    upstreams: { main: { url, protocol: 'h2c' } },
    routes: [{ path: '/public/*', public: true, upstream: 'main' }],
  });
  const target = createHttp2Target(
    url,
    upstreams.main!,
    {},
    { hop: createHopMeter('test'), capacityChanged() {}, tableTooSmall() {} },
  );
  onTestFinished(async () => {
    await target.destroy();
    server.close();
  });
  const statuses = new Set<number>();
  for (let index = 0; index < 100; index += 1) {
    await new Promise<void>((resolve, reject) => {
      const exchange: Exchange = {
        onRequestStart() {},
        onResponseStart: (_flow, status) => void statuses.add(status),
        onResponseData() {},
        onResponseEnd: () => resolve(),
        onResponseError: (_flow, error) => reject(error),
      };
      exchanges.note(exchange);
      target.send({ method: 'GET', path: '/', headers: [], body: null }, exchange);
    });
  }
  await exchanges.expectGone();
  expect([...statuses]).toEqual([200]);
});
