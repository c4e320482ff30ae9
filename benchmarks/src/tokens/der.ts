/** ECDSA signatures as OpenSSL has them. */

/** From the two numbers side by side (RFC 7518 section 3.4) to a DER sequence of two integers (RFC 3279 section 2.2.3). */
export function toDer(signature: Buffer): Buffer {
  const half = signature.length / 2;
  const body = Buffer.concat([toInteger(signature.subarray(0, half)), toInteger(signature.subarray(half))]);
  return Buffer.concat([Buffer.from([SEQUENCE, body.length]), body]);
}

const SEQUENCE = 0x30;
const INTEGER = 0x02;

// Shortest form, and a leading zero where the first bit would make the number negative. P-256 needs no long lengths.
function toInteger(bytes: Buffer): Buffer {
  const first = bytes.findIndex((byte) => byte !== 0);
  const digits = first < 0 ? Buffer.of(0) : bytes.subarray(first);
  const padded = digits[0]! >= 0x80 ? Buffer.concat([Buffer.of(0), digits]) : digits;
  return Buffer.concat([Buffer.of(INTEGER, padded.length), padded]);
}
