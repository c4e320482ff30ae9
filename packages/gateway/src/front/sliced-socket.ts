/** A connection whose input comes in small pieces, one in each turn of the event loop (F2). */
import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';

/** Octets of one piece: 75 streams that are opened and reset, at most. */
const SLICE_BYTES = 2048;
/** Time that what was written gets to be sent. */
const LAST_WORDS_MS = 200;

/**
 * Node makes a stream of everything that one read brought before it tells anybody of the first, if the read was ours: 64 KiB are
 * 2,400 streams, made for nothing. Costs more for each octet than the socket itself.
 */
export class SlicedSocket extends Duplex {
  readonly #socket: Socket;
  #hasStopped = false;
  #isWaiting = false;

  constructor(socket: Socket) {
    super({ highWaterMark: SLICE_BYTES });
    this.#socket = socket;
    socket.on('readable', this.#read).on('end', () => this.push(null));
    socket.on('error', (error) => this.destroy(error)).on('close', () => this.destroy());
  }

  /** Reads nothing more. What is written goes out. */
  stop(): void {
    this.#hasStopped = true;
  }

  override _read(): void {
    if (this.#isWaiting) return;
    this.#isWaiting = true;
    setImmediate(this.#read);
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    // What waits here when the session ends is lost.
    if (this.#socket.write(chunk)) done();
    else this.#socket.once('drain', done);
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#socket.end(done);
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    // GOAWAY may have been the last that was written. With input unread, closing at once would take it back.
    this.#socket.end();
    setTimeout(() => this.#socket.destroy(), LAST_WORDS_MS).unref();
    done(error);
  }

  readonly #read = (): void => {
    if (!this.#isWaiting || this.#hasStopped || this.destroyed) return;
    const { readableLength } = this.#socket;
    const chunk = this.#socket.read(Math.min(SLICE_BYTES, readableLength) || undefined) as Buffer | null;
    // Tells when there is more.
    if (chunk === null) return;
    this.#isWaiting = false;
    this.push(chunk);
  };
}
