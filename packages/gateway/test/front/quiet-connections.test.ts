import { EventEmitter } from 'node:events';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { connect } from 'node:net';
import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { Connections } from '../../src/front/connections.ts';
import { endQuietConnections } from '../../src/front/quiet-connections.ts';
import { startEdge } from '../support/edge.ts';
import { startUpstream } from '../support/upstream.ts';

const LIMITS = { idleMs: 60_000, stallMs: 30_000 };

/** A connection as far as it is looked at. */
class FakeSocket extends EventEmitter {
  bytesRead = 100;
  writableLength = 0;
  timeout = 0;
  destroyed = false;

  setTimeout(ms: number): void {
    this.timeout = ms;
  }

  destroy(): void {
    this.destroyed = true;
    this.emit('close');
  }
}

function serve(): { socket: FakeSocket; server: Server; ask: () => { writableFinished: boolean } } {
  const server = new EventEmitter() as Server;
  const connections = new Connections(server);
  endQuietConnections(server, connections, LIMITS);
  const socket = new FakeSocket();
  connections.add(socket as unknown as Socket);
  return {
    socket,
    server,
    ask() {
      const answer = { writableFinished: false };
      socket.bytesRead += 100;
      server.emit('request', { socket } as unknown as IncomingMessage, answer as ServerResponse);
      return answer;
    },
  };
}

describe('connections that are quiet', () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'setTimeout', 'performance'] }));
  afterEach(() => void vi.useRealTimers());

  test('F10: an idle one ends, no sooner than its client was told', () => {
    const { socket } = serve();
    vi.advanceTimersByTime(LIMITS.idleMs);
    expect(socket.destroyed).toBe(false);
    vi.advanceTimersByTime(3000);
    expect(socket.destroyed).toBe(true);
  });

  test('its time begins anew with each request, and with the end of each answer', () => {
    const { socket, ask } = serve();
    vi.advanceTimersByTime(LIMITS.idleMs);
    ask().writableFinished = true;
    vi.advanceTimersByTime(LIMITS.idleMs);
    expect(socket.destroyed).toBe(false);
    const answer = ask();
    vi.advanceTimersByTime(10 * LIMITS.idleMs);
    expect(socket.destroyed).toBe(false);
    answer.writableFinished = true;
    vi.advanceTimersByTime(LIMITS.idleMs);
    expect(socket.destroyed).toBe(false);
    vi.advanceTimersByTime(3000);
    expect(socket.destroyed).toBe(true);
  });

  test('F10: who does not take its answer gets a limit, who waits for it gets none', () => {
    const { socket, server, ask } = serve();
    ask();
    vi.advanceTimersByTime(5000);
    expect(socket.timeout).toBe(0);
    socket.writableLength = 10;
    vi.advanceTimersByTime(1000);
    expect(socket.timeout).toBe(LIMITS.stallMs);
    server.emit('timeout', socket);
    expect(socket.destroyed).toBe(true);
  });

  test('who has taken it after all has no limit any more', () => {
    const { socket, server, ask } = serve();
    const answer = ask();
    socket.writableLength = 10;
    vi.advanceTimersByTime(1000);
    socket.writableLength = 0;
    server.emit('timeout', socket);
    expect([socket.destroyed, socket.timeout]).toEqual([false, 0]);
    answer.writableFinished = true;
    server.emit('timeout', socket);
    expect([socket.destroyed, socket.timeout]).toEqual([false, 0]);
  });

  test('nothing is looked at any more when the server has closed', () => {
    const { server } = serve();
    server.emit('close');
    expect(vi.getTimerCount()).toBe(0);
  });
});

test('a client is told how long its connection stays, and that is so', async () => {
  const upstream = await startUpstream();
  const edge = await startEdge(upstream.url, { limits: { keepAliveTimeoutMs: 1000 } });
  const socket = connect(edge.port, '127.0.0.1', () => socket.write('GET /public/x HTTP/1.1\r\nHost: a\r\n\r\n'));
  onTestFinished(() => void socket.destroy());
  let text = '';
  socket.setEncoding('latin1').on('data', (part: string) => (text += part));
  await vi.waitUntil(() => text.includes('\r\n\r\n'), 10_000);
  expect(text.toLowerCase()).toContain('connection: keep-alive\r\nkeep-alive: timeout=1\r\n');
  await vi.waitUntil(() => socket.closed, 20_000);
});
