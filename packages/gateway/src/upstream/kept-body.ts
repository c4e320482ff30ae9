/** A request body of which the beginning is kept, so that it can be sent a second time. */
import { Readable } from 'node:stream';

/** How much is kept of one body, in bytes: every unary gRPC call and form, no upload. */
const KEPT_BYTES = 65_536;

/** The body of one request, for one attempt after the other. */
export class KeptBody {
  readonly #source: Readable;
  #kept: Buffer[] | undefined = [];
  #bytes = 0;
  #view: Readable | undefined = undefined;

  constructor(source: Readable) {
    this.#source = source;
    source.on('data', (chunk: Buffer) => this.#keep(chunk)).pause();
  }

  /** Whether all that was taken of it is still here. */
  get isWhole(): boolean {
    return this.#kept !== undefined && (this.#source.readableEnded || !this.#source.destroyed);
  }

  /** The body from its beginning. A view that was opened before gets nothing any more. */
  open(): Readable {
    this.#view?.destroy();
    this.#view = new View(this.#source, this.#kept ?? []);
    return this.#view;
  }

  #keep(chunk: Buffer): void {
    if (this.#kept === undefined) return;
    this.#bytes += chunk.length;
    if (this.#bytes <= KEPT_BYTES) this.#kept.push(chunk);
    else this.#kept = undefined;
  }
}

/** What was kept, then what still comes. Destroying it leaves the source alone. */
class View extends Readable {
  readonly #source: Readable;

  constructor(source: Readable, kept: readonly Buffer[]) {
    super();
    this.#source = source;
    // Whoever takes it over sees that it was destroyed; nobody has to listen (F5).
    this.on('error', ignore);
    for (const chunk of kept) this.push(chunk);
    if (source.readableEnded) this.push(null);
    else source.on('data', this.#onData).on('end', this.#onEnd).on('error', this.#onError).on('close', this.#onClose);
  }

  override _read(): void {
    if (!this.#source.readableEnded) this.#source.resume();
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    this.#source
      .off('data', this.#onData)
      .off('end', this.#onEnd)
      .off('error', this.#onError)
      .off('close', this.#onClose)
      .pause();
    callback(error);
  }

  readonly #onData = (chunk: Buffer): void => {
    if (!this.push(chunk)) this.#source.pause();
  };

  readonly #onEnd = (): void => {
    this.push(null);
  };

  readonly #onError = (error: Error): void => {
    this.destroy(error);
  };

  // A cut-off body must not look like a whole one.
  readonly #onClose = (): void => {
    if (!this.#source.readableEnded) this.destroy(new Error('The request body broke off'));
  };
}

function ignore(): void {}
