/** The answer of an upstream as it is kept for the client: type and bytes, sealed by the receipts. */
import type { Answer } from './collected-answer.ts';

/** As bytes: length of the content type, the type, the body. */
export function encodeAnswer({ contentType, body }: Pick<Answer, 'contentType' | 'body'>): Buffer {
  const type = Buffer.from(contentType, 'latin1');
  const head = Buffer.alloc(4);
  head.writeUInt32BE(type.length);
  return Buffer.concat([head, type, body]);
}

/** The other way round. */
export function decodeAnswer(bytes: Uint8Array): Pick<Answer, 'contentType' | 'body'> {
  const buffer = Buffer.from(bytes);
  const end = 4 + buffer.readUInt32BE();
  return { contentType: buffer.toString('latin1', 4, end), body: buffer.subarray(end) };
}
