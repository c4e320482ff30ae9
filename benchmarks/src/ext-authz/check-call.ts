/** The messages of `envoy.service.auth.v3` as bytes, as Envoy would send them over gRPC; read only as far as a benchmark must. */

/** A CheckRequest with raw headers, in its gRPC frame. */
export function checkCall(token: string): Buffer {
  const headers = [
    [':method', 'GET'],
    [':path', '/api/orders/17'],
    [':authority', 'orders.example.com'],
    ['authorization', `Bearer ${token}`],
    ['user-agent', 'benchmark/1.0'],
    ['accept', 'application/json'],
    ['x-request-id', '7f9c6bde-4e4b-4f0e-8a5a-0d8f9c0e2b11'],
    ['x-forwarded-for', '192.0.2.7'],
    ['x-forwarded-proto', 'https'],
  ].map(([name, value]) => field(1, Buffer.concat([text(1, name!), text(3, value!)])));
  const http = [text(2, 'GET'), text(4, '/api/orders/17'), text(5, 'orders.example.com'), field(13, Buffer.concat(headers))];
  return frame(field(1, field(4, field(2, Buffer.concat(http)))));
}

/** Whether an answer, in its frame, is a yes with a Txn-Token: status first and empty, then `ok_response`. */
export function isSwapped(answer: Buffer): boolean {
  return answer.subarray(5, 8).equals(Buffer.from([0x0a, 0x00, 0x1a])) && answer.includes('txn-token') && answer.includes('eyJ');
}

/** A message in the frame of gRPC. */
export function frame(message: Buffer): Buffer {
  const prefix = Buffer.alloc(5);
  prefix.writeUInt32BE(message.length, 1);
  return Buffer.concat([prefix, message]);
}

function field(number: number, content: Buffer): Buffer {
  return Buffer.concat([varint(number * 8 + 2), varint(content.length), content]);
}

function text(number: number, value: string): Buffer {
  return field(number, Buffer.from(value, 'latin1'));
}

function varint(value: number): Buffer {
  const bytes: number[] = [];
  for (let rest = value; ; rest >>>= 7) {
    if (rest < 0x80) return Buffer.from([...bytes, rest]);
    bytes.push((rest & 0x7f) | 0x80);
  }
}
