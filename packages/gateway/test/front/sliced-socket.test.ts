import { once } from 'node:events';
import { type AddressInfo, type Socket, connect, createServer } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { SlicedSocket } from '../../src/front/sliced-socket.ts';

async function open(): Promise<{ client: Socket; sliced: SlicedSocket }> {
  const server = createServer({ allowHalfOpen: true }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const client = connect((server.address() as AddressInfo).port, '127.0.0.1');
  const [socket] = (await once(server, 'connection')) as [Socket];
  onTestFinished(() => {
    client.destroy();
    socket.destroy();
    server.close();
  });
  return { client, sliced: new SlicedSocket(socket) };
}

test('F2: what arrives is handed on in pieces, all of it and in order', async () => {
  const { client, sliced } = await open();
  const bytes = Buffer.from(Array.from({ length: 200_000 }, (_, index) => index % 251));
  client.end(bytes);
  const pieces: Buffer[] = [];
  sliced.on('data', (piece: Buffer) => pieces.push(piece));
  await once(sliced, 'end');
  expect(Buffer.concat(pieces).equals(bytes)).toBe(true);
  expect(Math.max(...pieces.map((piece) => piece.length))).toBeLessThanOrEqual(2048);
});

test('F2: stopped, it hands on nothing more, and what was written still goes out', async () => {
  const { client, sliced } = await open();
  let seen = 0;
  sliced.on('data', (piece: Buffer) => {
    seen += piece.length;
    sliced.stop();
    sliced.write('last words');
    sliced.destroy();
  });
  client.write(Buffer.alloc(100_000));
  client.on('error', () => {});
  const [answer] = (await once(client, 'data')) as [Buffer];
  expect(answer.toString()).toBe('last words');
  expect(seen).toBeLessThanOrEqual(2048);
  await once(client, 'close');
});

test('a client that goes away ends it', async () => {
  const { client, sliced } = await open();
  sliced.on('error', () => {}).resume();
  const closed = new Promise((resolve) => sliced.once('close', resolve));
  client.resetAndDestroy();
  await closed;
  expect(sliced.destroyed).toBe(true);
});
