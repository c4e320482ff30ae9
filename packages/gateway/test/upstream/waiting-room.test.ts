import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { type Socket, connect } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, test, vi } from 'vitest';
import type { WatchwordError } from '@watchword/core';
import { type Guest, WaitingRoom } from '../../src/upstream/waiting-room.ts';
import { startEdge } from '../support/edge.ts';
import { type TestUpstream, startUpstream } from '../support/upstream.ts';

interface HoldingUpstream extends TestUpstream {
  readonly held: ServerResponse[];
}

/** Answers only what is released by hand. */
async function startHoldingUpstream(): Promise<HoldingUpstream> {
  const held: ServerResponse[] = [];
  return { ...(await startUpstream((_request, response) => void held.push(response))), held };
}

async function openGet(port: number, path: string): Promise<Socket> {
  const socket = connect(port, '127.0.0.1');
  await once(socket, 'connect');
  socket.write(`GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`);
  return socket;
}

describe('F10: the queue in front of an upstream is bounded', () => {
  test('in number: one more is refused with 503', async () => {
    const upstream = await startHoldingUpstream();
    const edge = await startEdge(upstream.url, { upstream: { connections: 1, maxWaiting: 1 } });
    const first = fetch(`${edge.url}/public/1`);
    await vi.waitUntil(() => upstream.held.length === 1);
    const answers = ['/public/2', '/public/3'].map(async (path) => (await fetch(edge.url + path)).status);
    expect(await Promise.race(answers)).toBe(503);
    upstream.held[0]!.end();
    await vi.waitUntil(() => upstream.held.length === 2);
    upstream.held[1]!.end();
    expect((await first).status).toBe(200);
    expect((await Promise.all(answers)).sort()).toEqual([200, 503]);
    expect(await edge.metrics()).toContain('watchword_refusals_total{code="overloaded"} 1');
  });

  test('in time: who waits too long gets 503, its body included', async () => {
    const upstream = await startHoldingUpstream();
    const edge = await startEdge(upstream.url, { upstream: { connections: 1, connectTimeoutMs: 100 } });
    const first = fetch(`${edge.url}/public/1`);
    await vi.waitUntil(() => upstream.held.length === 1);
    const second = await fetch(`${edge.url}/public/2`, { method: 'POST', body: 'x'.repeat(100_000) });
    expect(second.status).toBe(503);
    expect(second.headers.get('content-type')).toBe('application/problem+json');
    upstream.held[0]!.end();
    expect((await first).status).toBe(200);
    expect(upstream.seen).toHaveLength(1);
  });

  test('who leaves while waiting leaves nothing behind and is never forwarded', async () => {
    const upstream = await startHoldingUpstream();
    const edge = await startEdge(upstream.url, { upstream: { connections: 1, maxWaiting: 3 } });
    const first = fetch(`${edge.url}/public/1`);
    await vi.waitUntil(() => upstream.held.length === 1);
    for (let round = 0; round < 5; round += 1) {
      const sockets = await Promise.all([1, 2, 3].map((number) => openGet(edge.port, `/public/left-${number}`)));
      await delay(20);
      for (const socket of sockets) socket.destroy();
      await vi.waitUntil(async () => (await edge.metrics()).includes(`status="499"} ${3 * (round + 1)}`));
    }
    const last = fetch(`${edge.url}/public/last`);
    await delay(50);
    upstream.held[0]!.end();
    await vi.waitUntil(() => upstream.held.length === 2);
    upstream.held[1]!.end();
    expect([(await first).status, (await last).status]).toEqual([200, 200]);
    expect(upstream.seen.map((seen) => seen.target)).toEqual(['/public/1', '/public/last']);
  });
});

describe('places', () => {
  test('are given in order of arrival and come back, whatever happens to those who had them', async () => {
    const room = new WaitingRoom({ places: 2, maxWaiting: 100, timeoutMs: 60_000 });
    const inside = new Set<number>();
    const order: number[] = [];
    const guests = Array.from({ length: 50 }, (_, number): Guest & { readonly number: number } => ({
      number,
      start() {
        inside.add(number);
        order.push(number);
        expect(inside.size).toBeLessThanOrEqual(2);
      },
      refuse: () => expect.unreachable(),
    }));
    for (const guest of guests) room.enter(guest);
    // Every seventh gives up while it waits.
    const gone = guests.filter(({ number }) => number > 2 && number % 7 === 0);
    for (const guest of gone) room.leave(guest);
    while (inside.size > 0) {
      const [number] = inside;
      inside.delete(number!);
      room.leave(guests[number!]!);
      await Promise.resolve();
    }
    expect(order).toEqual(guests.filter((guest) => !gone.includes(guest)).map(({ number }) => number));
    const refused = vi.fn<(error: WatchwordError) => void>();
    const started = vi.fn<() => void>();
    const crowd = Array.from({ length: 103 }, (): Guest => ({ start: started, refuse: refused }));
    for (const guest of crowd) room.enter(guest);
    expect(started).toHaveBeenCalledTimes(2);
    expect(refused).toHaveBeenCalledExactlyOnceWith(expect.objectContaining({ code: 'overloaded' }));
    for (const guest of crowd.slice(2, 102)) room.leave(guest);
  });

  test('are all free when nobody is left, neither inside nor waiting', async () => {
    const room = new WaitingRoom({ places: 1, maxWaiting: 1, timeoutMs: 60_000 });
    await room.empty();
    const [inside, waiting] = [1, 2].map((): Guest => ({ start: () => {}, refuse: () => {} }));
    room.enter(inside!);
    room.enter(waiting!);
    const left = vi.fn<() => void>();
    const empty = room.empty().then(left);
    room.leave(inside!);
    await Promise.resolve();
    expect(left).not.toHaveBeenCalled();
    room.leave(waiting!);
    await empty;
  });
});
