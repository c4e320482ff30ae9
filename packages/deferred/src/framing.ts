/** One way to write several values as bytes: no two lists of values give the same bytes. */

/** Texts, bytes, and numbers. */
export type Framed = string | number | Uint8Array;

const LENGTH_BYTES = 4;
const NUMBER_BYTES = 8;

/** Each value with its length in front. */
export function frame(values: readonly Framed[]): Buffer {
  let bytes = 0;
  for (const value of values) bytes += LENGTH_BYTES + lengthOf(value);
  const framed = Buffer.allocUnsafe(bytes);
  let at = 0;
  for (const value of values) {
    const start = at + LENGTH_BYTES;
    const length = write(framed, value, start);
    framed.writeUInt32BE(length, at);
    at = start + length;
  }
  return framed;
}

/** The values, as bytes. @throws Error for anything that `frame` has not made */
export function unframe(bytes: Buffer): readonly Buffer[] {
  const parts: Buffer[] = [];
  for (let at = 0; at < bytes.length;) {
    if (at + LENGTH_BYTES > bytes.length) throw new Error('framing: cut short');
    const end = at + LENGTH_BYTES + bytes.readUInt32BE(at);
    if (end > bytes.length) throw new Error('framing: cut short');
    parts.push(bytes.subarray(at + LENGTH_BYTES, end));
    at = end;
  }
  return parts;
}

function lengthOf(value: Framed): number {
  if (typeof value === 'string') return Buffer.byteLength(value);
  return typeof value === 'number' ? NUMBER_BYTES : value.length;
}

// Returns how many bytes it has written.
function write(framed: Buffer, value: Framed, at: number): number {
  if (typeof value === 'string') return framed.write(value, at);
  if (typeof value === 'number') return framed.writeDoubleBE(value, at) - at;
  framed.set(value, at);
  return value.length;
}
