/** A peer that says nothing any more, and does not even close: a broken cable, a machine that is gone. */
import { createServer as createHttp2Server } from 'node:http2';
import { type AddressInfo, type Socket, connect, createServer } from 'node:net';
import { once } from 'node:events';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createSessions } from '../src/sessions.ts';
import { tableSettingsFor } from '../src/tables.ts';
import { startStandingPeer } from './standing-peer.ts';

it('F10: its connection is given up, and the next request opens another one', async () => {
  const server = createHttp2Server((_request, response) => void response.end('done')).listen(0, '127.0.0.1');
  await once(server, 'listening');
  let isCut = false;
  const sockets: Socket[] = [];
  const relay = createServer((near) => {
    const far = connect((server.address() as AddressInfo).port, '127.0.0.1');
    const isDead = isCut;
    sockets.push(near, far);
    // Octets of a connection that was there when the cable broke go nowhere.
    const carry = (from: Socket, to: Socket): void => {
      from.on('data', (chunk: Buffer) => void (isCut === isDead && to.write(chunk))).on('error', () => {});
    };
    carry(near, far);
    carry(far, near);
  }).listen(0, '127.0.0.1');
  await once(relay, 'listening');
  const sessions = createSessions(tableSettingsFor({ callers: 1 }), undefined, undefined, { afterMs: 50, pongMs: 500 });
  onTestFinished(() => {
    sessions.destroy();
    for (const socket of sockets) socket.destroy();
    relay.close();
    server.close();
  });
  const origin = `http://127.0.0.1:${(relay.address() as AddressInfo).port}`;
  const ask = async (): Promise<string> => {
    const stream = sessions.to(origin).request({ ':path': '/' });
    let text = '';
    stream.on('data', (chunk: Buffer) => void (text += chunk.toString()));
    const failed = once(stream, 'error').then(() => 'failed');
    return Promise.race([once(stream, 'end').then(() => text || 'nothing'), failed]);
  };
  expect(await ask()).toBe('done');
  const first = sessions.to(origin);
  // Silence alone is no reason.
  await new Promise((resolve) => setTimeout(resolve, 200));
  expect(sessions.to(origin)).toBe(first);
  isCut = true;
  // Requests that come and come do not put it off.
  const asking = setInterval(() => void ask().catch(() => {}), 10);
  expect(await ask()).not.toBe('done');
  clearInterval(asking);
  expect(await ask()).toBe('done');
}, 5000);

describe('F10: a peer that stands still and never ends its side', () => {
  const open = async (afterMs: number) => {
    const peer = await startStandingPeer();
    const sessions = createSessions(tableSettingsFor({ callers: 1 }), undefined, undefined, { afterMs, pongMs: 20 });
    const session = sessions.to(peer.origin);
    await once(session.request({ ':path': '/' }).resume(), 'close');
    peer.isStanding = true;
    return { sessions, session };
  };

  // A look every 200 ms sees an answer, and that something was sent, but not in which order.
  it('is noticed by a request that was sent right after the answer to another one', async () => {
    const { sessions, session } = await open(200);
    const [error] = (await once(session.request({ ':path': '/never' }), 'error')) as [Error];
    expect(error.message).toContain('does not answer');
    sessions.destroy();
  });

  it('holds up nobody who closes', async () => {
    const { sessions } = await open(20);
    await sessions.close();
  });

  it('nor who ends it at once while it is being closed, without any look at it', async () => {
    const { sessions, session } = await open(60_000);
    const closed = sessions.close();
    session.request({ ':path': '/never' }).on('error', () => {});
    sessions.destroy();
    await closed;
  });

  it('nor a connection that it wanted to end itself', async () => {
    const { sessions, session } = await open(20);
    const ended = once(session, 'close');
    session.emit('goaway', 0, 0);
    await ended;
    sessions.destroy();
  });
});
