/** What is left of an exchange over HTTP/2 when its stream has closed, and of a connection whose other end stands still. */
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { createServer } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { HOP_CONNECTION_CHANNEL, type HopConnection, type HopMeter, createHopMeter } from '@watchword/http2';
import { expect, onTestFinished, test, vi } from 'vitest';
import { COLLECTED, ShortLived } from '../../../core/test/support/collect-young.ts';
import { startStandingPeer } from '../../../http2/test/standing-peer.ts';
import { createConfig } from '../../src/index.ts';
import { createHttp2Target } from '../../src/upstream/http2-target.ts';
import type { Exchange, Target } from '../../src/upstream/target.ts';

test('nothing of an answered request outlives the next collection of young objects', COLLECTED, async ({ skip }) => {
  const exchanges = await ShortLived.create(skip);
  const server = createServer((_request, response) => void response.end('x'));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const target = targetAt(url);
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

test('F10: a target that stands still and never ends its side is not waited for, by close or by destroy', async () => {
  const peer = await startStandingPeer();
  const hop = createHopMeter('standing');
  const ended = vi.fn<() => void>();
  const onEnd = (message: unknown): void => void ((message as HopConnection).hop === hop.hop && ended());
  subscribe(HOP_CONNECTION_CHANNEL, onEnd);
  onTestFinished(() => void unsubscribe(HOP_CONNECTION_CHANNEL, onEnd));
  const connected = async (connectTimeoutMs: number): Promise<Target> => {
    peer.isStanding = false;
    const target = targetAt(peer.origin, { connectTimeoutMs }, hop);
    await ask(target, '/');
    peer.isStanding = true;
    return target;
  };
  await (await connected(50)).close();
  expect(ended).toHaveBeenCalledTimes(1);
  const target = await connected(60_000);
  const asked = ask(target, '/never').catch((error: Error) => error);
  const closed = target.close();
  await target.destroy();
  await closed;
  expect(await asked).toBeInstanceOf(Error);
  // The connections themselves are gone, too: they would keep the process.
  await vi.waitFor(() => expect(ended).toHaveBeenCalledTimes(2));
});

function targetAt(url: string, settings: object = {}, hop: HopMeter = createHopMeter('test')): Target {
  const { upstreams } = createConfig({
    listen: { port: 0 },
    control: { port: 0 },
    upstreams: { main: { url, protocol: 'h2c', ...settings } },
    routes: [{ path: '/public/*', public: true, upstream: 'main' }],
  });
  return createHttp2Target(url, upstreams.main!, {}, { hop, capacityChanged() {}, tableTooSmall() {} });
}

function ask(target: Target, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const exchange: Exchange = {
      onRequestStart() {},
      onResponseStart() {},
      onResponseData() {},
      onResponseEnd: () => resolve(),
      onResponseError: (_flow, error) => reject(error),
    };
    target.send({ method: 'GET', path, headers: [], body: null }, exchange);
  });
}
