/** Sends frames of HTTP/2 and messages of gRPC that were changed on the way (F4). */
import { connect } from 'node:net';
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
  block,
  frame,
  pseudo,
} from '../../../gateway/test/support/frames.ts';
import { type FrameOrder, type FrameReport, attackOnOrder } from './orders.ts';

/** Of a connection that keeps to the protocol but for what hits it, and of one that does not: it is closed soon. */
const MILD_FRAMES = 400;
const WILD_FRAMES = 10;
const WILD_EVERY = 6;
/** Connections at a time. */
const AT_A_TIME = 16;
const PATIENCE_MS = 2000;
const PUSH_PROMISE = 5;
/** Of something that was never asked: Node ends the connection. */
const ACK = 1;
const TYPES = [DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION];

type Random = (below: number) => number;

attackOnOrder(async ({ port, anyAddress, frames, seed, authorization, limitMs }: FrameOrder): Promise<FrameReport> => {
  const random = createRandom(seed);
  const report = { frames: 0, connections: 0 };
  const endMs = performance.now() + limitMs;
  const blocks = requestsOf(authorization);
  let begun = 0;
  const attacker = async (): Promise<void> => {
    while (begun < frames && performance.now() < endMs) {
      const isMild = random(WILD_EVERY) > 0;
      const count = isMild ? MILD_FRAMES : WILD_FRAMES;
      begun += count;
      report.connections += 1;
      const address = anyAddress ? `127.0.${random(256)}.${1 + random(250)}` : '127.0.0.1';
      if (await send(port, address, makeConnection(random, blocks, isMild))) report.frames += count;
    }
  };
  await Promise.all(Array.from({ length: AT_A_TIME }, attacker));
  return report;
});

/** Requests of a browser without and with a token, and of Envoy. */
function requestsOf(authorization: string): readonly Buffer[] {
  const call = '/envoy.service.auth.v3.Authorization/Check';
  return [
    block(...pseudo('/orders/x')),
    block(...pseudo('/orders/x'), 'authorization', authorization),
    block(...pseudo('/orders/x', 'POST'), 'authorization', authorization),
    block(...pseudo(call, 'POST'), 'content-type', 'application/grpc', 'te', 'trailers', 'grpc-encoding', 'gzip'),
    block(...pseudo(call, 'POST'), 'content-type', 'application/grpc', 'te', 'trailers'),
  ];
}

function makeConnection(random: Random, blocks: readonly Buffer[], isMild: boolean): Buffer {
  const streams = new Streams();
  const frames = Array.from({ length: isMild ? MILD_FRAMES : WILD_FRAMES }, () => {
    const made = isMild ? streams.next(random, blocks) : wild(random, blocks);
    if (random(isMild ? MILD_FRAMES : 4) === 0) made[random(made.length)] = random(256);
    return random(isMild ? 4 * MILD_FRAMES : 10) === 0 ? made.subarray(0, random(made.length)) : made;
  });
  const bytes = Buffer.concat([PREFACE, frame(SETTINGS, 0, 0), ...frames]);
  if (random(10) === 0) bytes[random(bytes.length)] = random(256);
  return bytes;
}

function wild(random: Random, blocks: readonly Buffer[]): Buffer {
  const payload = random(2) === 0 ? blocks[random(blocks.length)]! : randomBytes(random, random(40));
  const type = random(11) === 0 ? random(256) : TYPES[random(TYPES.length)]!;
  return frame(type, random(256), random(25), payload);
}

/** Frames as the protocol wants them: on streams that have been opened, and that the client has not ended. */
class Streams {
  #last = -1;
  /** Still to be ended by the client. */
  #open: number[] = [];

  next(random: Random, blocks: readonly Buffer[]): Buffer {
    // Of a hundred. Requests cost a gateway most, and many resets end the connection.
    const kind = random(100);
    const stream = this.#open[random(this.#open.length)];
    if (kind < 6) return this.#request(random, blocks);
    if (kind < 50 && stream !== undefined) return this.#message(random, stream);
    if (kind === 50 && stream !== undefined) {
      this.#forget(stream);
      return frame(RST_STREAM, 0, stream, Buffer.from([0, 0, 0, random(14)]));
    }
    if (kind < 75) return frame(PRIORITY, 0, 1 + 2 * random(200), Buffer.from([0, 0, 0, 0, random(256)]));
    if (kind < 80) return frame(PING, random(1000) === 0 ? ACK : 0, 0, randomBytes(random, 8));
    return frame(WINDOW_UPDATE, 0, stream ?? 0, Buffer.from([0, 0, random(8), 1 + random(255)]));
  }

  #request(random: Random, blocks: readonly Buffer[]): Buffer {
    this.#last += 2;
    const ends = random(2) === 0;
    if (!ends) this.#open.push(this.#last);
    return frame(HEADERS, END_HEADERS | (ends ? END_STREAM : 0), this.#last, blocks[random(blocks.length)]!);
  }

  /** With the prefix of gRPC: compressed or not, four octets of length. */
  #message(random: Random, stream: number): Buffer {
    const message = randomBytes(random, random(60));
    const ends = random(20) === 0;
    if (ends) this.#forget(stream);
    const prefix = Buffer.from([random(2), 0, 0, 0, message.length]);
    return frame(DATA, ends ? END_STREAM : 0, stream, Buffer.concat([prefix, message]));
  }

  #forget(stream: number): void {
    this.#open = this.#open.filter((one) => one !== stream);
  }
}

/** Whether the system took all of it. Ends when the other side closes, or has had time to read. */
function send(port: number, localAddress: string, bytes: Buffer): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1', localAddress });
    let isTaken = false;
    const timer = setTimeout(() => socket.destroy(), PATIENCE_MS);
    socket.on('error', () => {}).resume();
    socket.on('close', () => {
      clearTimeout(timer);
      resolve(isTaken);
    });
    socket.end(bytes, () => (isTaken = true));
  });
}

function randomBytes(random: Random, length: number): Buffer {
  const bytes = Buffer.allocUnsafe(length);
  for (let index = 0; index < length; index += 1) bytes[index] = random(256);
  return bytes;
}

// Deterministic, so that a failure replays from its seed.
function createRandom(seed: number): Random {
  let state = seed >>> 0;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}
