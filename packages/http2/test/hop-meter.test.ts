import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { createServer } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { createPropagator, runAnonymous } from '@watchword/core';
import {
  HOP_CONNECTION_CHANNEL,
  type HopConnection,
  createHopMeter,
  createHttp2Client,
  headerBytesPerRequest,
} from '@watchword/http2';
import { expect, it } from 'vitest';
import { withServer } from './server.ts';
import { createWire } from './wire.ts';

it('agrees with what a relay counts on the wire of HTTP/2, while the connection is open and after it', async () => {
  const heard: HopConnection[] = [];
  const note = (message: unknown): void => void heard.push(message as HopConnection);
  subscribe(HOP_CONNECTION_CHANNEL, note);
  await withServer(
    (_req, res) => void res.end('x'.repeat(100)),
    async ({ port }) => {
      const wire = await createWire(port);
      const meter = createHopMeter('orders');
      const client = createHttp2Client({
        propagator: createPropagator({}),
        traffic: { callers: 1 },
        onConnect: (session) => meter.watch(session.socket),
      });
      const get = (): Promise<string> => runAnonymous(() => text(client.request(`http://127.0.0.1:${wire.port}/`)));
      for (let count = 0; count < 5; count += 1) meter.count(0, (await get()).length);
      const before = meter.totals();
      expect(before).toMatchObject({ connections: 1, requests: 5, sentBytes: wire.sent(), receivedBytes: wire.received() });
      for (let count = 0; count < 10; count += 1) meter.count(0, (await get()).length);
      // Warm: a frame header and indexed fields only, towards the server and back.
      const { sent, received } = headerBytesPerRequest(meter.totals(), before);
      expect(sent).toBeLessThan(25);
      expect(received).toBeLessThan(60);
      await client.close();
      await new Promise((resolve) => setTimeout(resolve, 50));
      expect(meter.totals()).toMatchObject({ connections: 1, requests: 15, sentBytes: wire.sent() });
      await wire.close();
      expect(heard.filter(({ hop }) => hop === 'orders')).toEqual([
        { hop: 'orders', sentBytes: meter.totals().sentBytes, receivedBytes: meter.totals().receivedBytes },
      ]);
    },
  );
  unsubscribe(HOP_CONNECTION_CHANNEL, note);
});

it('counts the connections of an HTTP/1.1 server, and sums over them', async () => {
  const meter = createHopMeter('clients');
  const server = createServer((_req, res) => void res.end('ok'));
  server.on('connection', (socket) => meter.watch(socket));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const call = 'GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n';
  let answered = 0;
  for (let count = 0; count < 3; count += 1) {
    const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
    socket.end(call);
    answered += (await text(socket)).length;
    meter.count(2);
  }
  await new Promise((resolve) => server.close(resolve));
  expect(meter.totals()).toEqual({
    connections: 3,
    requests: 3,
    sentBytes: answered,
    receivedBytes: 3 * call.length,
    bodySentBytes: 6,
    bodyReceivedBytes: 0,
  });
  expect(headerBytesPerRequest(meter.totals())).toEqual({ sent: answered / 3 - 2, received: call.length });
});

it('has no answer before the first request', () => {
  expect(headerBytesPerRequest(createHopMeter('idle').totals()).sent).toBeNaN();
});
