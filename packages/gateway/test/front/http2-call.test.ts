/** What is left of a call over HTTP/2 when its stream has closed. */
import { connect, createServer } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { COLLECTED, ShortLived } from '../../../core/test/support/collect-young.ts';
import { Http2Call } from '../../src/front/http2-call.ts';

test('nothing of an answered call outlives the next collection of young objects', COLLECTED, async ({ skip }) => {
  const calls = await ShortLived.create(skip);
  let closed = 0;
  const server = createServer();
  server.on('stream', (stream, headers, _flags, raw) => {
    const peer = { scheme: 'http', address: '127.0.0.1', clientCertificate: undefined } as const;
    const call = new Http2Call(stream, headers, raw as unknown as string[], peer);
    calls.note(call);
    call.onClose(() => (closed += 1));
    call.inspect();
    call.refuse(200, ['content-type', 'text/plain'], 'x');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const session = connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  onTestFinished(() => {
    session.destroy();
    server.close();
  });
  for (let index = 0; index < 100; index += 1) {
    await new Promise<void>((resolve) => {
      const stream = session.request({ ':path': '/', ...(index % 2 === 0 ? { te: 'trailers' } : {}) });
      stream.on('close', resolve).resume();
    });
  }
  await calls.expectGone();
  expect(closed).toBe(100);
});
