import { type Socket, connect } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { constants } from 'node:http2';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { amount, freshSeed } from '../../../core/test/support/campaign.ts';
import { makeCertificate } from '../support/certificates.ts';
import { type TestEdge, startEdge } from '../support/edge.ts';
import {
  CONTINUATION,
  DATA,
  END_HEADERS,
  END_STREAM,
  GOAWAY,
  HEADERS,
  PING,
  PREFACE,
  PRIORITY,
  RST_STREAM,
  SETTINGS,
  WINDOW_UPDATE,
  askHttp2,
  block,
  frame,
  literal,
  openHttp2,
  pseudo,
} from '../support/http2.ts';
import { startUpstream } from '../support/upstream.ts';

const FLOOD_MS = amount(700, 60_000);
/** How long a connection that is to end may take, on a machine that others use too. */
const PATIENCE_MS = 10_000;
/** Of the whole process, the attacker's own garbage included: an object kept for each frame would be several times as much. */
const MOST_BYTES = 100 * 2 ** 20;
const CALM = constants.NGHTTP2_ENHANCE_YOUR_CALM;

/** A number that counts streams: odd, one after the other. */
type Batch = (round: number) => Buffer;

interface FloodResult {
  readonly bytes: number;
  /** Code of the GOAWAY that ended the connection; undefined: none came. */
  readonly goaway: number | undefined;
  readonly wasClosed: boolean;
  readonly grownBytes: number;
}

/** Sends batches on one connection for as long as it takes them, or until the time is over. @param ends: the connection is to end */
async function flood(
  edge: TestEdge,
  first: Buffer,
  batch: Batch,
  { reads = true, ends = false }: { reads?: boolean; ends?: boolean } = {},
): Promise<FloodResult> {
  const socket = connect(edge.port, '127.0.0.1');
  onTestFinished(() => void socket.destroy());
  const reader = new GoawayReader();
  socket.on('error', () => {});
  if (reads) socket.on('data', (chunk: Buffer) => reader.read(chunk));
  const before = process.memoryUsage.rss();
  let highest = before;
  socket.write(Buffer.concat([PREFACE, frame(SETTINGS, 0, 0), first]));
  const endMs = performance.now() + (ends ? Math.max(FLOOD_MS, PATIENCE_MS) : FLOOD_MS);
  let bytes = 0;
  for (let round = 0; performance.now() < endMs && !socket.destroyed; round += 1) {
    const next = batch(round);
    bytes += next.length;
    if (!socket.write(next)) await drained(socket);
    else await new Promise(setImmediate);
    highest = Math.max(highest, process.memoryUsage.rss());
  }
  await new Promise((resolve) => setTimeout(resolve, 100));
  const wasClosed = socket.destroyed;
  socket.destroy();
  return { bytes, goaway: reader.code, wasClosed, grownBytes: highest - before };
}

function drained(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, 100);
    const go = (): void => {
      clearTimeout(timer);
      resolve();
    };
    socket.once('drain', go).once('close', go);
  });
}

class GoawayReader {
  code: number | undefined;
  #rest = Buffer.alloc(0);

  read(chunk: Buffer): void {
    this.#rest = Buffer.concat([this.#rest, chunk]);
    while (this.#rest.length >= 9) {
      const length = this.#rest.readUIntBE(0, 3);
      if (this.#rest.length < 9 + length) return;
      if (this.#rest[3] === GOAWAY) this.code = this.#rest.readUInt32BE(13);
      this.#rest = this.#rest.subarray(9 + length);
    }
  }
}

const uint32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
};

const many = (times: number, make: (index: number) => Buffer): Buffer =>
  Buffer.concat(Array.from({ length: times }, (_, index) => make(index)));
const streamOf = (round: number, index: number, size: number): number => 2 * (round * size + index) + 1;
const ask = (stream: number, path = '/public/x'): Buffer =>
  frame(HEADERS, END_HEADERS | END_STREAM, stream, block(...pseudo(path)));
const post = frame(HEADERS, END_HEADERS, 1, block(...pseudo('/public/hold', 'POST')));

async function startHolding(): Promise<TestEdge> {
  const upstream = await startUpstream((request, response) => {
    request.on('error', () => {});
    // Takes nothing and says nothing.
    if (request.url === '/public/hold') request.pause();
    else response.end('ok');
  });
  return startEdge(upstream.url, { limits: { shutdownTimeoutMs: 50, bodyBytes: 2 ** 40 }, upstream: { connections: 200 } });
}

/** The connection of somebody else is answered all the while. */
async function withNeighbour<Result>(edge: TestEdge, work: Promise<Result>): Promise<Result> {
  const session = openHttp2(edge.port);
  const over = new AbortController();
  const flooding = work.finally(() => over.abort());
  do {
    const answer = await askHttp2(session, { ':path': '/public/x' });
    if (answer.status !== 200) throw new Error(`the neighbour got ${answer.status}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  } while (!over.signal.aborted);
  return flooding;
}

describe('F2: streams that are opened for nothing', () => {
  const cases: [name: string, batch: Batch][] = [
    [
      'rapid reset',
      (round) =>
        many(50, (index) => {
          const stream = streamOf(round, index, 50);
          return Buffer.concat([ask(stream), frame(RST_STREAM, 0, stream, uint32(constants.NGHTTP2_CANCEL))]);
        }),
    ],
    [
      'resets that the server is made to send (an increment of zero)',
      (round) =>
        many(50, (index) => {
          const stream = streamOf(round, index, 50);
          return Buffer.concat([ask(stream, '/public/hold'), frame(WINDOW_UPDATE, 0, stream, uint32(0))]);
        }),
    ],
  ];
  for (const [name, batch] of cases) {
    test(`F2: ${name}: the connection ends, and asks for calm`, { timeout: FLOOD_MS + 20_000 }, async () => {
      const edge = await startHolding();
      const result = await withNeighbour(edge, flood(edge, Buffer.alloc(0), batch, { ends: true }));
      expect(result.wasClosed).toBe(true);
      // Frames that break the protocol have a count of their own.
      expect(name === 'rapid reset' ? [CALM] : [CALM, constants.NGHTTP2_PROTOCOL_ERROR]).toContain(result.goaway);
      expect(result.grownBytes).toBeLessThan(MOST_BYTES);
    });
  }

  test('F2: the connection ends although its client falls silent and does not close it', { timeout: 20_000 }, async () => {
    const edge = await startHolding();
    for (let round = 0; round < 2; round += 1) {
      const socket = connect({ port: edge.port, host: '127.0.0.1', allowHalfOpen: true })
        .on('error', () => {})
        .resume();
      onTestFinished(() => void socket.destroy());
      const resets = many(1000, (index) => {
        const stream = streamOf(0, index, 1000);
        return Buffer.concat([ask(stream), frame(RST_STREAM, 0, stream, uint32(constants.NGHTTP2_CANCEL))]);
      });
      socket.write(Buffer.concat([PREFACE, frame(SETTINGS, 0, 0)]));
      socket.write(resets);
      // Only a connection that the server has let go of answers with a reset.
      const probe = setInterval(() => void (socket.destroyed || socket.write(frame(PING, 0, 0, Buffer.alloc(8)))), 700);
      await new Promise((resolve) => socket.once('close', resolve));
      clearInterval(probe);
    }
  });

  /** Opened and reset, in one piece with the preface: one read of the server brings all of it. */
  async function resetAtOnce(edge: TestEdge, resets: number, isTls = false): Promise<{ goaway: number | undefined }> {
    const at = { port: edge.port, host: '127.0.0.1' };
    const socket = isTls ? connectTls({ ...at, rejectUnauthorized: false, ALPNProtocols: ['h2'] }) : connect(at);
    onTestFinished(() => void socket.destroy());
    const reader = new GoawayReader();
    const closed = new Promise((resolve) => socket.once('close', resolve));
    socket.on('error', () => {}).on('data', (chunk: Buffer) => reader.read(chunk));
    const pairs = many(resets, (index) => {
      const stream = streamOf(0, index, resets);
      return Buffer.concat([ask(stream), frame(RST_STREAM, 0, stream, uint32(constants.NGHTTP2_CANCEL))]);
    });
    socket.write(Buffer.concat([PREFACE, frame(SETTINGS, 0, 0), pairs]));
    await closed;
    return { goaway: reader.code };
  }

  test('F2: resets count that are read together with what opened the stream', { timeout: 20_000 }, async () => {
    expect(await resetAtOnce(await startHolding(), 300)).toEqual({ goaway: CALM });
  });

  test('F2: over TLS too', { timeout: 20_000 }, async () => {
    const upstream = await startUpstream((_request, response) => response.end('ok'));
    const { certFile, keyFile } = makeCertificate('localhost');
    const edge = await startEdge(upstream.url, { listen: { port: 0, tls: { certFile, keyFile } } });
    expect(await resetAtOnce(edge, 300, true)).toEqual({ goaway: CALM });
    // The second has less patience left.
    expect(await resetAtOnce(edge, 30, true)).toEqual({ goaway: CALM });
    const session = openHttp2(edge.port, { rejectUnauthorized: false }, 'https');
    expect((await askHttp2(session, { ':path': '/public/x' })).status).toBe(200);
  });

  test('F2: whoever opens another connection has less patience left; others at its address are served', async () => {
    const upstream = await startUpstream((request, response) => {
      const parts: Buffer[] = [];
      request.on('data', (part: Buffer) => parts.push(part)).on('end', () => response.end(Buffer.concat(parts)));
    });
    const edge = await startEdge(upstream.url, { limits: { shutdownTimeoutMs: 50 } });
    expect(await resetAtOnce(edge, 300)).toEqual({ goaway: CALM });
    expect(await resetAtOnce(edge, 30)).toEqual({ goaway: CALM });
    const body = Buffer.alloc(300_000, 'abc');
    const session = openHttp2(edge.port);
    const answers = await Promise.all(
      Array.from({ length: 5 }, () => askHttp2(session, { ':path': '/public/x', ':method': 'POST' }, body)),
    );
    for (const answer of answers) expect(answer.status === 200 && answer.body === body.toString()).toBe(true);
    session.close();
    await new Promise((resolve) => session.once('close', resolve));
  });

  /** Whether a request is answered that comes behind so many that were broken off, on one connection. */
  async function answersAfter(port: number, resets: number): Promise<boolean> {
    const socket = connect(port, '127.0.0.1');
    onTestFinished(() => void socket.destroy());
    let heard = '';
    socket.on('error', () => {}).on('data', (chunk: Buffer) => (heard += chunk.toString('latin1')));
    const pairs = many(resets, (index) => {
      const stream = streamOf(0, index, resets);
      return Buffer.concat([ask(stream), frame(RST_STREAM, 0, stream, uint32(constants.NGHTTP2_CANCEL))]);
    });
    socket.write(Buffer.concat([PREFACE, frame(SETTINGS, 0, 0), pairs, ask(2 * resets + 1)]));
    await vi.waitUntil(() => heard.includes('ok') || socket.destroyed, PATIENCE_MS);
    return heard.includes('ok');
  }

  test('F2: a proxy of ours, behind which are many, has as much patience left with its next connection', async () => {
    const upstream = await startUpstream((_request, response) => response.end('ok'));
    const listen = { port: 0, proxyCancelsPerSecond: 20 };
    const edge = await startEdge(upstream.url, { listen, trustedProxies: ['127.0.0.1'] });
    expect(await resetAtOnce(edge, 300)).toEqual({ goaway: CALM });
    expect(await answersAfter(edge.port, 30)).toBe(true);
  });

  test('F2: and more of it than a client: many requests share its connections', { timeout: 60_000 }, async () => {
    const upstream = await startUpstream((_request, response) => response.end('ok'));
    const edge = await startEdge(upstream.url, { trustedProxies: ['127.0.0.1'] });
    expect(await answersAfter(edge.port, 3000)).toBe(true);
    const stranger = await startEdge(upstream.url, { trustedProxies: ['192.0.2.1'] });
    expect(await answersAfter(stranger.port, 3000)).toBe(false);
  });

  test('F2: streams beyond the limit are refused', async () => {
    const edge = await startHolding();
    const result = await flood(
      edge,
      Buffer.alloc(0),
      (round) => many(300, (index) => ask(streamOf(round, index, 300), '/public/hold')),
      { ends: true },
    );
    expect(result.wasClosed).toBe(true);
    expect(result.grownBytes).toBeLessThan(MOST_BYTES);
  });
});

describe('F3: frames without an end', () => {
  const headersPart = frame(HEADERS, 0, 1, block(...pseudo()));
  const cases: [name: string, ends: boolean, first: Buffer, batch: Batch][] = [
    ['PING', true, Buffer.alloc(0), () => many(200, () => frame(PING, 0, 0, Buffer.alloc(8)))],
    ['SETTINGS', true, Buffer.alloc(0), () => many(200, () => frame(SETTINGS, 0, 0))],
    [
      'SETTINGS that change the table',
      true,
      Buffer.alloc(0),
      (round) =>
        many(200, (index) => frame(SETTINGS, 0, 0, Buffer.concat([Buffer.from([0, 1]), uint32((round + index) % 4096)]))),
    ],
    ['CONTINUATION', true, headersPart, () => many(100, () => frame(CONTINUATION, 0, 1, literal('x-a', 'b'.repeat(100))))],
    ['empty CONTINUATION', true, headersPart, () => many(200, () => frame(CONTINUATION, 0, 1))],
    [
      'PRIORITY',
      false,
      Buffer.alloc(0),
      (round) => many(200, (index) => frame(PRIORITY, 0, streamOf(round, index, 200), Buffer.from([0, 0, 0, 0, 16]))),
    ],
    ['WINDOW_UPDATE', false, Buffer.alloc(0), () => many(200, () => frame(WINDOW_UPDATE, 0, 0, uint32(1)))],
    ['unknown frames', false, Buffer.alloc(0), () => many(200, () => frame(0x42, 0, 0, Buffer.alloc(16)))],
    ['empty DATA', false, post, () => many(200, () => frame(DATA, 0, 1))],
    [
      'RST_STREAM of streams that do not exist',
      true,
      Buffer.alloc(0),
      () => many(200, () => frame(RST_STREAM, 0, 99_999, uint32(8))),
    ],
    ['GOAWAY', false, Buffer.alloc(0), () => many(200, () => frame(GOAWAY, 0, 0, Buffer.concat([uint32(0), uint32(0)])))],
  ];
  for (const [name, ends, first, batch] of cases) {
    test(`F3: ${name}: memory is bounded, others are served`, { timeout: FLOOD_MS + 20_000 }, async () => {
      const edge = await startHolding();
      const result = await withNeighbour(edge, flood(edge, first, batch, { ends }));
      expect(result.bytes).toBeGreaterThan(1000);
      expect(result.grownBytes).toBeLessThan(MOST_BYTES);
      if (ends) expect(result.wasClosed).toBe(true);
    });
  }

  test('F3: PING from a client that reads nothing: memory is bounded', { timeout: FLOOD_MS + 20_000 }, async () => {
    const edge = await startHolding();
    const ping = many(200, () => frame(PING, 0, 0, Buffer.alloc(8)));
    const result = await withNeighbour(
      edge,
      flood(edge, Buffer.alloc(0), () => ping, { reads: false }),
    );
    expect(result.grownBytes).toBeLessThan(MOST_BYTES);
  });

  test('F3: DATA of one byte that nobody reads: the stream is reset long before its window is full', async () => {
    const edge = await startHolding();
    const session = openHttp2(edge.port);
    const socket = connect(edge.port, '127.0.0.1');
    const answers: Buffer[] = [];
    socket.on('error', () => {}).on('data', (chunk: Buffer) => answers.push(chunk));
    socket.write(Buffer.concat([PREFACE, frame(SETTINGS, 0, 0)]));
    const before = process.memoryUsage.rss();
    for (let stream = 1; stream < 60; stream += 2) {
      socket.write(frame(HEADERS, END_HEADERS, stream, block(...pseudo('/public/hold', 'POST'))));
      const tiny = frame(DATA, 0, stream, Buffer.from('x'));
      socket.write(Buffer.concat(Array<Buffer>(2000).fill(tiny)));
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    expect((await askHttp2(session, { ':path': '/public/x' })).status).toBe(200);
    expect(process.memoryUsage.rss() - before).toBeLessThan(2 * MOST_BYTES);
    socket.destroy();
  });

  test('F3: a header that is small on the wire and large in memory is refused', async () => {
    const edge = await startHolding();
    const socket = connect(edge.port, '127.0.0.1');
    const reader: Buffer[] = [];
    let isClosed = false;
    socket
      .on('error', () => {})
      .on('close', () => (isClosed = true))
      .on('data', (chunk: Buffer) => reader.push(chunk));
    // One field of 3,000 octets enters the table (index 62), and is then named 3,000 times with one octet each.
    const value = Buffer.from('v'.repeat(3000));
    const indexed = Buffer.concat([Buffer.from([0x40, 1]), Buffer.from('x'), Buffer.from([0x7f, 0xb9, 0x16]), value]);
    const bomb = Buffer.concat([block(...pseudo()), indexed, Buffer.alloc(3000, 0x80 | 62)]);
    const before = process.memoryUsage.rss();
    socket.write(Buffer.concat([PREFACE, frame(SETTINGS, 0, 0), frame(HEADERS, END_HEADERS | END_STREAM, 1, bomb)]));
    await new Promise((resolve) => setTimeout(resolve, 300));
    const answer = Buffer.concat(reader).toString('latin1');
    expect(isClosed || !answer.includes('ok')).toBe(true);
    expect(answer).not.toContain('ok');
    expect(process.memoryUsage.rss() - before).toBeLessThan(MOST_BYTES);
    socket.destroy();
    expect((await askHttp2(openHttp2(edge.port), { ':path': '/public/x' })).status).toBe(200);
  });

  test('more header fields, or more octets of them, than allowed are refused', async () => {
    const edge = await startHolding();
    const large = await askHttp2(openHttp2(edge.port), { ':path': '/public/x', 'x-a': 'b'.repeat(20_000) });
    expect(large.status).not.toBe(200);
    const fields = Object.fromEntries(Array.from({ length: 300 }, (_, index) => [`x-${index}`, '1']));
    expect((await askHttp2(openHttp2(edge.port), { ':path': '/public/x', ...fields })).status).not.toBe(200);
  });
});

describe('F4: frames that were changed on the way', () => {
  // Deterministic, so that a failure replays from its seed.
  function randomFrom(seed: number): (below: number) => number {
    let state = seed >>> 0;
    return (below) => {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
      return Math.floor((state / 2 ** 32) * below);
    };
  }

  const connections = amount(150, 50_000);

  test(
    `F4, F5: ${connections} connections of mutated frames: nobody dies, others are served`,
    { timeout: amount(60_000, 7_200_000) },
    async () => {
      const edge = await startHolding();
      const neighbour = openHttp2(edge.port);
      const seed = freshSeed();
      const random = randomFrom(seed);
      for (let round = 0; round < connections; round += 1) {
        const socket = connect(edge.port, '127.0.0.1');
        socket.on('error', () => {}).resume();
        const frames: Buffer[] = [PREFACE, frame(SETTINGS, 0, 0)];
        for (let index = 0; index < 20; index += 1) {
          const stream = 2 * random(12);
          const types = [
            DATA,
            HEADERS,
            PRIORITY,
            RST_STREAM,
            SETTINGS,
            5,
            PING,
            GOAWAY,
            WINDOW_UPDATE,
            CONTINUATION,
            random(256),
          ];
          const payload =
            random(2) === 0 ? block(...pseudo()) : Buffer.from(Array.from({ length: random(40) }, () => random(256)));
          const whole = frame(types[random(types.length)]!, random(256), stream + 1, payload);
          if (random(4) === 0) whole[random(whole.length)] = random(256);
          frames.push(random(10) === 0 ? whole.subarray(0, random(whole.length)) : whole);
        }
        const bytes = Buffer.concat(frames);
        if (random(5) === 0) bytes[random(bytes.length)] = random(256);
        await new Promise<void>((resolve) => {
          socket.on('connect', () => socket.write(bytes, () => setTimeout(resolve, 2)));
          socket.on('close', () => resolve());
        });
        socket.destroy();
        if (round % 50 === 0 && (await askHttp2(neighbour, { ':path': '/public/x' })).status !== 200)
          throw new Error(`seed ${seed}`);
      }
      expect((await askHttp2(neighbour, { ':path': '/public/x' })).status, `seed ${seed}`).toBe(200);
    },
  );
});
