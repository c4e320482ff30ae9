/** What every speaker of gRPC has to know (github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md). */

/** Octets before a message: one that says whether it is compressed, four for its length. */
export const GRPC_PREFIX_BYTES = 5;

/** Whether a content type is that of gRPC. */
export function isGrpc(contentType: string | undefined): boolean {
  return /^application\/grpc(?:[+;]|$)/i.test(contentType ?? '');
}

/** A message in its frame, not compressed. */
export function frameGrpc(message: Buffer): Buffer {
  const framed = Buffer.allocUnsafe(GRPC_PREFIX_BYTES + message.length);
  framed[0] = 0;
  framed.writeUInt32BE(message.length, 1);
  message.copy(framed, GRPC_PREFIX_BYTES);
  return framed;
}
