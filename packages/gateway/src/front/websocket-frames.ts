/** Where one WebSocket frame ends and the next begins (RFC 6455 section 5.2): only there a frame of our own fits in. */

/** Follows the frames of one direction without looking at what they say. */
export class FrameBoundaries {
  // Header bytes of a frame that has not begun to make sense yet: at most 13 of 14.
  readonly #head = Buffer.alloc(14);
  #headBytes = 0;
  #payloadLeft = 0n;

  /** Whether all frames so far are whole. */
  get isBetween(): boolean {
    return this.#headBytes === 0 && this.#payloadLeft === 0n;
  }

  /** Takes the next bytes. */
  follow(chunk: Buffer): void {
    let at = 0;
    while (at < chunk.length) {
      if (this.#payloadLeft > 0n) {
        const skipped = Math.min(chunk.length - at, Number(this.#payloadLeft));
        this.#payloadLeft -= BigInt(skipped);
        at += skipped;
      } else {
        this.#head[this.#headBytes] = chunk[at]!;
        this.#headBytes += 1;
        at += 1;
        this.#readHead();
      }
    }
  }

  #readHead(): void {
    if (this.#headBytes < 2) return;
    const second = this.#head[1]!;
    const short = second & 0x7f;
    const lengthBytes = short === 126 ? 2 : short === 127 ? 8 : 0;
    const maskBytes = second >= 0x80 ? 4 : 0;
    if (this.#headBytes < 2 + lengthBytes + maskBytes) return;
    if (lengthBytes === 0) this.#payloadLeft = BigInt(short);
    else this.#payloadLeft = lengthBytes === 2 ? BigInt(this.#head.readUInt16BE(2)) : this.#head.readBigUInt64BE(2);
    this.#headBytes = 0;
  }
}

/** A close frame as a server sends it (section 5.5.1). @param reason at most 123 bytes */
export function closeFrame(code: number, reason: string): Buffer {
  const text = Buffer.from(reason);
  const frame = Buffer.alloc(4 + text.length);
  frame[0] = 0x88;
  frame[1] = 2 + text.length;
  frame.writeUInt16BE(code, 2);
  text.copy(frame, 4);
  return frame;
}
