/** Reads the protobuf wire format, field by field (protobuf.dev/programming-guides/encoding). Knows no message. */

/** Thrown for bytes that are no message. */
export class WireError extends Error {
  override readonly name = 'WireError';
}

const VARINT = 0;
const FIXED64 = 1;
const LENGTH = 2;
const FIXED32 = 5;

/**
 * One message, or one inside another. Strict where a parser may be lenient: what can be read in two ways is refused (E6).
 * No text is copied before somebody asks for it, and depth costs no stack.
 */
export class WireReader {
  /** Number of the field that {@link next} has found. */
  field = 0;
  #wireType = VARINT;
  #at: number;
  readonly #bytes: Buffer;
  readonly #end: number;

  constructor(bytes: Buffer, start = 0, end: number = bytes.length) {
    this.#bytes = bytes;
    this.#at = start;
    this.#end = end;
  }

  /** Goes to the next field, which must then be read or skipped. False: there is none. @throws WireError */
  next(): boolean {
    if (this.#at === this.#end) return false;
    const key = this.#uint32();
    this.field = key >>> 3;
    this.#wireType = key & 7;
    if (this.field === 0) throw new WireError('A field has the number 0');
    return true;
  }

  /** The field as text in UTF-8; what is not becomes U+FFFD. @throws WireError */
  text(): string {
    const start = this.#startOfBytes();
    return this.#bytes.toString('utf8', start, this.#at);
  }

  /** The field with one character for each byte, as Node's HTTP parser gives values. @throws WireError */
  latin1(): string {
    const start = this.#startOfBytes();
    return this.#bytes.toString('latin1', start, this.#at);
  }

  /** The field as a message of its own. @throws WireError */
  message(): WireReader {
    const start = this.#startOfBytes();
    return new WireReader(this.#bytes, start, this.#at);
  }

  /** Passes over the field. @throws WireError */
  skip(): void {
    if (this.#wireType === VARINT) this.#skipVarint();
    else if (this.#wireType === LENGTH) this.#startOfBytes();
    else if (this.#wireType === FIXED64) this.#advance(8);
    else if (this.#wireType === FIXED32) this.#advance(4);
    // Groups are not part of proto3; 6 and 7 are not part of anything.
    else throw new WireError('A field has a form that proto3 does not have');
  }

  #startOfBytes(): number {
    if (this.#wireType !== LENGTH) throw new WireError('A field has another form than the message says');
    const length = this.#uint32();
    const start = this.#at;
    this.#advance(length);
    return start;
  }

  #advance(length: number): void {
    if (length > this.#end - this.#at) throw new WireError('A field ends after its message');
    this.#at += length;
  }

  // Keys and lengths have 32 bits. Arithmetic, since shifts are signed.
  #uint32(): number {
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.#byte();
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) {
        if (value > 0xffff_ffff) break;
        return value;
      }
    }
    throw new WireError('A number has more than 32 bits');
  }

  #skipVarint(): void {
    for (let index = 0; index < 10; index += 1) if (this.#byte() < 0x80) return;
    throw new WireError('A number has more than 64 bits');
  }

  #byte(): number {
    if (this.#at === this.#end) throw new WireError('The message ends inside a number');
    return this.#bytes[this.#at++]!;
  }
}
