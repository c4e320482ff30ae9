/** HTTP/2 as octets. Without the test runner: processes that attack use it too. */

/** One frame (RFC 9113 section 4.1). */
export function frame(type: number, flags: number, stream: number, payload: Buffer = Buffer.alloc(0)): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

export const PREFACE: Buffer = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'latin1');
export const DATA = 0;
export const HEADERS = 1;
export const PRIORITY = 2;
export const RST_STREAM = 3;
export const SETTINGS = 4;
export const PING = 6;
export const GOAWAY = 7;
export const WINDOW_UPDATE = 8;
export const CONTINUATION = 9;
export const END_STREAM = 1;
export const END_HEADERS = 4;

/** A field, neither compressed nor remembered (RFC 7541 section 6.2.2). */
export function literal(name: string, value: string): Buffer {
  return Buffer.concat([Buffer.from([0]), text(name), text(value)]);
}

function text(value: string): Buffer {
  const bytes = Buffer.from(value, 'latin1');
  if (bytes.length < 127) return Buffer.concat([Buffer.from([bytes.length]), bytes]);
  const rest: number[] = [127];
  let left = bytes.length - 127;
  while (left >= 128) {
    rest.push((left % 128) + 128);
    left = Math.floor(left / 128);
  }
  return Buffer.concat([Buffer.from([...rest, left]), bytes]);
}

/** A header block from name, value, name, value, ... */
export function block(...fields: string[]): Buffer {
  const parts: Buffer[] = [];
  for (let index = 0; index < fields.length; index += 2) parts.push(literal(fields[index]!, fields[index + 1]!));
  return Buffer.concat(parts);
}

/** The pseudo-header fields of a GET. */
export function pseudo(path = '/public/x', method = 'GET', authority = 'api.example'): string[] {
  return [':method', method, ':scheme', 'http', ':authority', authority, ':path', path];
}
