/** What one client may cost another, measured between processes. Only with WATCHWORD_LONG=1: figures need time and a quiet machine. */
import { readFileSync, writeFileSync } from 'node:fs';
import { Agent, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { describe, expect, onTestFinished, test } from 'vitest';
import { type Instance, get, startInstance } from './instances.ts';
import { createFiles } from './support.ts';

const IS_LONG = process.env.WATCHWORD_LONG === '1';
const SAMPLE_MS = 10_000;
const SLOW_SOCKETS = 10_000;
const RESETS = 1_000_000;
/** Half of what a second core would give: both sides and the measuring share two. */
const LIMIT = 2;

describe.skipIf(!IS_LONG)('what the neighbours notice (WATCHWORD_LONG=1)', () => {
  test(`F10: ${SLOW_SOCKETS} slow sockets: the p99 of others stays below twice its own`, { timeout: 180_000 }, async () => {
    const { instance, headers } = await start();
    await sample(instance, headers, 2000);
    const before = await sample(instance, headers, SAMPLE_MS);
    const worker = new Worker(SLOWLORIS, { eval: true, workerData: { port: instance.port, sockets: SLOW_SOCKETS } });
    onTestFinished(() => void worker.terminate());
    const open = await next(worker);
    const during = await sample(instance, headers, SAMPLE_MS);
    report(`F10: ${open} slow sockets open`, before, during);
    expect(open).toBe(SLOW_SOCKETS);
    expect(during.statuses).toEqual([200]);
    // Header 10 s: none of them stays.
    expect(await next(worker)).toBe(0);
    expect(during.p99).toBeLessThan(LIMIT * before.p99);
  });

  test(
    `F2: ${RESETS} resets: the p99 of others stays below twice its own, each connection is closed`,
    { timeout: 300_000 },
    async () => {
      const { instance, headers } = await start();
      await sample(instance, headers, 2000);
      const before = await sample(instance, headers, SAMPLE_MS);
      const worker = new Worker(RESETTER, { eval: true, workerData: { port: instance.port, resets: RESETS } });
      const told = new Promise<{ sent: number; connections: number; closed: number; calm: number }>((resolve, reject) =>
        worker.once('message', resolve).once('error', reject),
      );
      let isOver = false;
      void told.then(() => (isOver = true));
      const during = await sample(instance, headers, 240_000, () => isOver);
      const result = await told;
      report(
        `F2: ${result.sent} resets on ${result.connections} connections, ${result.closed} closed, ${result.calm} told to calm down`,
        before,
        during,
      );
      expect(result.closed).toBe(result.connections);
      expect(result.calm).toBeGreaterThan(0.9 * result.connections);
      expect(during.statuses).toEqual([200]);
      expect(during.p99).toBeLessThan(LIMIT * before.p99);
    },
  );
});

interface Sample {
  readonly calls: number;
  readonly p50: number;
  readonly p99: number;
  readonly statuses: readonly number[];
}

async function start(): Promise<{ instance: Instance; headers: Record<string, string> }> {
  const upstream = createServer((request, response) => {
    request.resume();
    response.end('ok');
  });
  await new Promise<void>((resolve) => upstream.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    upstream.close();
    upstream.closeAllConnections();
  });
  const files = createFiles();
  const text = readFileSync(files.config, 'utf8').replace(
    'http://127.0.0.1:1',
    `http://127.0.0.1:${(upstream.address() as AddressInfo).port}`,
  );
  const instance = await startInstance((port, control) => {
    const file = join(files.directory, 'campaign.yaml');
    writeFileSync(
      file,
      text.replace('listen: {port: 0}', `listen: {port: ${port}}`).replace('control: {port: 0}', `control: {port: ${control}}`),
    );
    return file;
  });
  const now = Math.floor(Date.now() / 1000);
  return { instance, headers: { authorization: `Bearer ${files.token({ iat: now - 5, exp: now + 3600 })}` } };
}

/** Calls one after the other, each at a time of its own, so that a pause is not measured by one call only. */
async function sample(
  instance: Instance,
  headers: Record<string, string>,
  forMs: number,
  isOver = (): boolean => false,
): Promise<Sample> {
  const agent = new Agent({ keepAlive: true });
  const times: number[] = [];
  const statuses = new Set<number>();
  const endMs = performance.now() + forMs;
  const running: Promise<void>[] = [];
  while (performance.now() < endMs && !isOver()) {
    running.push(
      (async () => {
        const startMs = performance.now();
        statuses.add(await get(instance.port, '/orders/x', headers, agent));
        times.push(performance.now() - startMs);
      })(),
    );
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  await Promise.all(running);
  agent.destroy();
  times.sort((one, other) => one - other);
  const at = (share: number): number => times[Math.floor(times.length * share)]!;
  return { calls: times.length, p50: at(0.5), p99: at(0.99), statuses: [...statuses] };
}

function next(worker: Worker): Promise<number> {
  return new Promise((resolve, reject) => worker.once('message', resolve).once('error', reject));
}

function report(what: string, before: Sample, during: Sample): void {
  const figures = ({ calls, p50, p99 }: Sample): string => `p50 ${p50.toFixed(2)} ms, p99 ${p99.toFixed(2)} ms (${calls} calls)`;
  process.stdout.write(
    `${what}: before ${figures(before)}; during ${figures(during)}; ${(during.p99 / before.p99).toFixed(2)}x\n`,
  );
}

/** Opens streams and resets them on one connection after the other; in a thread, so that it does not slow the measuring down. */
const RESETTER = `
const { workerData: { port, resets }, parentPort } = require('node:worker_threads');
const { connect } = require('node:net');
const frame = (type, flags, stream, payload) => {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head[3] = type; head[4] = flags; head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
};
const text = (value) => Buffer.concat([Buffer.from([value.length]), Buffer.from(value)]);
const field = (name, value) => Buffer.concat([Buffer.from([0]), text(name), text(value)]);
const block = Buffer.concat([[':method', 'GET'], [':scheme', 'http'], [':authority', 'a'], [':path', '/orders/x']].map(([n, v]) => field(n, v)));
const cancel = Buffer.from([0, 0, 0, 8]);
const batches = Array.from({ length: 10 }, (_, round) => Buffer.concat(Array.from({ length: 100 }, (_, index) => {
  const stream = 2 * (round * 100 + index) + 1;
  return Buffer.concat([frame(1, 5, stream, block), frame(3, 0, stream, cancel)]);
})));
const preface = Buffer.concat([Buffer.from('PRI * HTTP/2.0\\r\\n\\r\\nSM\\r\\n\\r\\n', 'latin1'), frame(4, 0, 0, Buffer.alloc(0))]);
const result = { sent: 0, connections: 0, closed: 0, calm: 0 };
function one() {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    const parts = [];
    result.connections += 1;
    const timer = setTimeout(() => socket.destroy(), 5000);
    socket.on('error', () => {}).on('data', (part) => parts.push(part)).on('end', () => socket.end()).on('close', () => {
      clearTimeout(timer);
      const bytes = Buffer.concat(parts);
      for (let at = 0; at + 9 <= bytes.length; at += 9 + bytes.readUIntBE(at, 3)) {
        if (bytes[at + 3] === 7 && at + 17 <= bytes.length && bytes.readUInt32BE(at + 13) === 11) result.calm += 1;
      }
      result.closed += 1;
      resolve();
    });
    socket.write(preface);
    for (const batch of batches) { socket.write(batch); result.sent += 100; }
  });
}
(async () => {
  while (result.sent < resets) await Promise.all([one(), one()]);
  parentPort.postMessage(result);
})();
`;

/** Sockets that send one byte of their header every four seconds. Tells how many are open when all have been opened, and 20 s later. */
const SLOWLORIS = `
const { workerData: { port, sockets: wanted }, parentPort } = require('node:worker_threads');
const { connect } = require('node:net');
const { setTimeout: delay } = require('node:timers/promises');
const sockets = [];
const open = () => sockets.filter((socket) => socket.readyState === 'open').length;
(async () => {
  while (sockets.length < wanted) {
    for (let few = 0; few < 200; few += 1) {
      const socket = connect(port, '127.0.0.1');
      socket.on('error', () => {}).resume();
      socket.write('GET /orders/x HTTP/1.1\\r\\nHost: a\\r\\nX-Slow: ');
      sockets.push(socket);
    }
    await delay(20);
  }
  await delay(300);
  parentPort.postMessage(open());
  let at = 0;
  const trickle = setInterval(() => {
    for (let few = 0; few < wanted / 80; few += 1) {
      const socket = sockets[(at += 1) % wanted];
      if (!socket.destroyed) socket.write('a');
    }
  }, 50);
  await delay(20_000);
  clearInterval(trickle);
  parentPort.postMessage(open());
  process.exit();
})();
`;
