/**
 * The answer on one stream of Node's HTTP/2 client: whole, or broken off.
 *
 * V8 keeps closed streams until it collects old objects (why: `front/http2-reply.ts`). So all that hangs on one is one reference.
 */
import type { ClientHttp2Stream, IncomingHttpHeaders } from 'node:http2';
import { Readable } from 'node:stream';

const ANSWER: unique symbol = Symbol('answer');

type AnswerStream = ClientHttp2Stream & { [ANSWER]?: Http2Answer | undefined };

/** The part of an exchange that listens to its stream. One object with the rest: a request makes no more of them. */
export abstract class Http2Answer {
  #trailers: IncomingHttpHeaders = {};
  #error: Error | undefined = undefined;
  #isWhole = false;

  /** Status and fields. */
  protected abstract onHead(headers: IncomingHttpHeaders): void;
  protected abstract onData(chunk: Buffer): void;
  /** All of it was told. May come twice. */
  protected abstract onWhole(trailers: IncomingHttpHeaders): void;
  /** The stream has closed, whether or not the answer was whole. @param error the first one that Node told */
  protected abstract onClosed(stream: ClientHttp2Stream, error: Error | undefined): void;
  /** More of the request may be written, or nobody will ever take it. */
  protected abstract onRoom(): void;

  protected listen(stream: AnswerStream): void {
    stream[ANSWER] = this;
    const { push, response, trailers, data, end, error, close } = Http2Answer.#listeners;
    stream.push = push;
    stream.on('response', response).on('trailers', trailers).on('data', data).on('end', end).on('error', error);
    stream.on('close', close);
  }

  protected listenForRoom(stream: AnswerStream): void {
    const { room } = Http2Answer.#listeners;
    stream.on('drain', room).on('aborted', room);
  }

  // The same ones for all streams.
  static readonly #listeners = {
    // Node emits `end` for a stream that was reset or lost its connection too, and a cut-off answer would pass for a whole one; only
    // the order of things tells them apart: the mark for the end of the data is put before the stream closes, or after.
    push(this: AnswerStream, chunk: unknown, encoding?: BufferEncoding): boolean {
      const answer = this[ANSWER];
      if (answer !== undefined && chunk === null && !this.closed) answer.#isWhole = true;
      return Readable.prototype.push.call(this, chunk, encoding);
    },
    response(this: AnswerStream, headers: IncomingHttpHeaders): void {
      this[ANSWER]?.onHead(headers);
    },
    trailers(this: AnswerStream, trailers: IncomingHttpHeaders): void {
      const answer = this[ANSWER];
      if (answer !== undefined) answer.#trailers = trailers;
    },
    data(this: AnswerStream, chunk: Buffer): void {
      const answer = this[ANSWER];
      if (answer === undefined) return;
      answer.onData(chunk);
      answer.#endAfterError(this);
    },
    end(this: AnswerStream): void {
      const answer = this[ANSWER];
      if (answer !== undefined && answer.#isWhole) answer.onWhole(answer.#trailers);
    },
    error(this: AnswerStream, error: Error): void {
      const answer = this[ANSWER];
      if (answer !== undefined) answer.#onError(error, this);
    },
    close(this: AnswerStream): void {
      const answer = this[ANSWER];
      this[ANSWER] = undefined;
      answer?.onClosed(this, answer.#error);
    },
    room(this: AnswerStream): void {
      this[ANSWER]?.onRoom();
    },
  };

  // Where the rest of a request could not be written Node ends neither the stream nor, ever, its data. The answer may be whole.
  #onError(error: Error, stream: ClientHttp2Stream): void {
    this.#error ??= error;
    if (this.#isWhole) this.#endAfterError(stream);
    else stream.destroy();
  }

  #endAfterError(stream: ClientHttp2Stream): void {
    if (this.#isWhole && stream.errored !== null && stream.readableLength === 0) this.onWhole(this.#trailers);
  }
}
