/** Writes the protobuf wire format as text of one character for each byte: short messages, put together from parts made before. */

/** A field that holds text in ASCII, or another message. */
export function lengthField(field: number, content: string): string {
  return varint(field * 8 + 2) + varint(content.length) + content;
}

/** A field that holds a number, a truth value or an enumeration. Zero is not written: it is what a missing field means. */
export function numberField(field: number, value: number): string {
  return value === 0 ? '' : varint(field * 8) + varint(value);
}

/** A message as bytes. */
export function toBytes(message: string): Buffer {
  return Buffer.from(message, 'latin1');
}

function varint(value: number): string {
  let text = '';
  let rest = value;
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) text += String.fromCharCode((rest % 0x80) + 0x80);
  return text + String.fromCharCode(rest);
}
