/**
 * One HTTP/2 connection that asks for decisions, as Envoy has one for each of its threads. Frames are written and read here and not by
 * `node:http2`, which would pause the one who measures as often as the one who is measured.
 */
import { type Socket, connect } from 'node:net';
import { isSwapped } from './check-call.ts';

/** Called once for each question that is answered or reset. */
export type OnAnswer = (index: number, isGood: boolean) => void;

const PREFACE = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n';
const TYPE = { data: 0, headers: 1, reset: 3, settings: 4, ping: 6, windowUpdate: 8 } as const;
const STATE = { good: 1, over: 2 } as const;
const FLAG = { ack: 1, endStream: 1, endHeaders: 4 } as const;
const FRAME_HEADER = 9;
/** What both sides may send before they are told otherwise (RFC 9113 section 6.9.2). */
const FIRST_WINDOW = 65_535;
const LARGEST_WINDOW = 2 ** 31 - 1;
/** SETTINGS_MAX_CONCURRENT_STREAMS, and the octets of one setting (RFC 9113 section 6.5). */
const MOST_STREAMS = 3;
const SETTING_BYTES = 6;
/** Questions of one window of the benchmark. */
const MOST_QUESTIONS = 1_000_000;

/** A question as frames, for any stream. */
export interface Question {
  readonly frames: Buffer;
  /** Where the frames have the number of the stream, besides the first one. */
  readonly dataAt: number;
  /** Octets that flow control counts. */
  readonly flow: number;
}

/** @param call a CheckRequest in its gRPC frame */
export function questionOf(call: Buffer): Question {
  const headers = frame(TYPE.headers, FLAG.endHeaders, HEADER_BLOCK);
  return { frames: Buffer.concat([headers, frame(TYPE.data, FLAG.endStream, call)]), dataAt: headers.length, flow: call.length };
}

/** Asks, and tells of answers. */
export class Connection {
  readonly #socket: Socket;
  readonly #onAnswer: OnAnswer;
  readonly #states: Uint8Array = new Uint8Array(MOST_QUESTIONS);
  readonly #waiting: Question[] = [];
  #asked = 0;
  #sent = 0;
  #sendWindow = FIRST_WINDOW;
  #running = 0;
  #mostRunning = Infinity;
  #rest: Buffer = Buffer.alloc(0);
  #isClosed = false;

  private constructor(socket: Socket, onAnswer: OnAnswer) {
    this.#socket = socket;
    this.#onAnswer = onAnswer;
    socket.on('data', (chunk: Buffer) => this.#read(chunk));
    socket.on('error', () => {}).on('close', () => (this.#isClosed = true));
    const window = Buffer.alloc(4);
    window.writeUInt32BE(LARGEST_WINDOW - FIRST_WINDOW);
    const first = [Buffer.from(PREFACE), frame(TYPE.settings, 0, Buffer.alloc(0)), frame(TYPE.windowUpdate, 0, window)];
    socket.write(Buffer.concat(first));
  }

  /** @throws Error when nobody listens there */
  static open(port: number, onAnswer: OnAnswer): Promise<Connection> {
    return new Promise((resolve, reject) => {
      const socket = connect({ port, host: '127.0.0.1', noDelay: true }, () => resolve(new Connection(socket, onAnswer)));
      socket.once('error', reject);
    });
  }

  /** Whether nothing more can be asked. */
  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Asks, as soon as the server's limits let it: those of flow control, and of streams at a time. @returns which question it is */
  ask(question: Question): number {
    this.#waiting.push(question);
    this.#flush();
    return this.#asked++;
  }

  close(): void {
    this.#socket.destroy();
  }

  #flush(): void {
    while (this.#waiting.length > 0 && this.#waiting[0]!.flow <= this.#sendWindow && this.#running < this.#mostRunning) {
      const { frames, dataAt, flow } = this.#waiting.shift()!;
      const bytes = Buffer.from(frames);
      const stream = this.#sent * 2 + 1;
      bytes.writeUInt32BE(stream, 5);
      bytes.writeUInt32BE(stream, dataAt + 5);
      this.#sent += 1;
      this.#running += 1;
      this.#sendWindow -= flow;
      this.#socket.write(bytes);
    }
  }

  #read(chunk: Buffer): void {
    const bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    let at = 0;
    while (bytes.length - at >= FRAME_HEADER) {
      const end = at + FRAME_HEADER + bytes.readUIntBE(at, 3);
      if (end > bytes.length) break;
      this.#take(
        bytes[at + 3]!,
        bytes[at + 4]!,
        bytes.readUInt32BE(at + 5) & LARGEST_WINDOW,
        bytes.subarray(at + FRAME_HEADER, end),
      );
      at = end;
    }
    this.#rest = bytes.subarray(at);
  }

  #take(type: number, flags: number, stream: number, payload: Buffer): void {
    const index = (stream - 1) / 2;
    if (type === TYPE.data && isSwapped(payload)) this.#states[index] = STATE.good;
    if (type === TYPE.reset) this.#end(index, false);
    else if ((type === TYPE.data || type === TYPE.headers) && (flags & FLAG.endStream) !== 0) {
      this.#end(index, this.#states[index] === STATE.good);
    } else if (type === TYPE.windowUpdate && stream === 0) {
      this.#sendWindow += payload.readUInt32BE(0);
      this.#flush();
    } else if ((type === TYPE.settings || type === TYPE.ping) && (flags & FLAG.ack) === 0) {
      if (type === TYPE.settings) this.#obey(payload);
      this.#socket.write(frame(type, FLAG.ack, type === TYPE.ping ? payload : Buffer.alloc(0)));
    }
  }

  #end(index: number, isGood: boolean): void {
    // An answer may be followed by a reset: the rest of the question was not wanted.
    if (this.#states[index] === STATE.over) return;
    this.#states[index] = STATE.over;
    this.#running -= 1;
    this.#onAnswer(index, isGood);
    this.#flush();
  }

  #obey(settings: Buffer): void {
    for (let at = 0; at < settings.length; at += SETTING_BYTES) {
      if (settings.readUInt16BE(at) === MOST_STREAMS) this.#mostRunning = settings.readUInt32BE(at + 2);
    }
  }
}

function frame(type: number, flags: number, payload: Buffer): Buffer {
  const header = Buffer.alloc(FRAME_HEADER);
  header.writeUIntBE(payload.length, 0, 3);
  header[3] = type;
  header[4] = flags;
  return Buffer.concat([header, payload]);
}

// RFC 7541: `:method: POST` and `:scheme: http` are in the static table, the rest is written out and not indexed.
const HEADER_BLOCK = Buffer.concat([
  Buffer.from([0x83, 0x86]),
  literal([0x04], '/envoy.service.auth.v3.Authorization/Check'),
  literal([0x01], '127.0.0.1'),
  literal([0x0f, 0x10], 'application/grpc'),
  literal([0x00, 2, 0x74, 0x65], 'trailers'),
]);

function literal(name: readonly number[], value: string): Buffer {
  return Buffer.concat([Buffer.from([...name, value.length]), Buffer.from(value)]);
}
