/** A peer that stands still: nothing comes from it any more, and it ends nothing (F10). */
import { once } from 'node:events';
import { createServer as createHttp2Server } from 'node:http2';
import { type AddressInfo, type Socket, connect, createServer } from 'node:net';
import { onTestFinished } from 'vitest';

/** A server that answers `/`, and nothing else, behind a relay that carries octets as long as it does not stand still. */
export interface StandingPeer {
  readonly origin: string;
  isStanding: boolean;
}

/** Ends with the test. */
export async function startStandingPeer(): Promise<StandingPeer> {
  const server = createHttp2Server((request, response) => void (request.url === '/' && response.end('done')));
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const sockets: Socket[] = [];
  const relay = createServer({ allowHalfOpen: true }, (near) => {
    const far = connect((server.address() as AddressInfo).port, '127.0.0.1');
    sockets.push(near, far);
    near.on('data', (chunk: Buffer) => void (peer.isStanding || far.write(chunk))).on('error', () => {});
    far.on('data', (chunk: Buffer) => void (peer.isStanding || near.write(chunk))).on('error', () => {});
  });
  await once(relay.listen(0, '127.0.0.1'), 'listening');
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    relay.close();
    server.close();
  });
  const peer = { origin: `http://127.0.0.1:${(relay.address() as AddressInfo).port}`, isStanding: false };
  return peer;
}
