/** One way to write several values as bytes: no two lists of values give the same bytes. */

/** Texts, bytes, and numbers. */
export type Framed = string | number | Uint8Array;

/** Each value with its length in front. */
export function frame(values: readonly Framed[]): Buffer {
  const parts = values.map(bytesOf);
  const lengths = Buffer.alloc(4);
  return Buffer.concat(
    parts.flatMap((part) => {
      lengths.writeUInt32BE(part.length);
      return [Buffer.from(lengths), part];
    }),
  );
}

/** The values, as bytes. @throws Error for anything that `frame` has not made */
export function unframe(bytes: Buffer): readonly Buffer[] {
  const parts: Buffer[] = [];
  for (let at = 0; at < bytes.length;) {
    if (at + 4 > bytes.length) throw new Error('framing: cut short');
    const end = at + 4 + bytes.readUInt32BE(at);
    if (end > bytes.length) throw new Error('framing: cut short');
    parts.push(bytes.subarray(at + 4, end));
    at = end;
  }
  return parts;
}

function bytesOf(value: Framed): Buffer {
  if (typeof value === 'string') return Buffer.from(value);
  if (typeof value !== 'number') return Buffer.from(value.buffer, value.byteOffset, value.byteLength);
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleBE(value);
  return bytes;
}
