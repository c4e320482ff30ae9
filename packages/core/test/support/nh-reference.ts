/** NH with four Toeplitz lanes as RFC 4418 section 5.2.2 writes it down, in integers of any size. */

/**
 * The four 64-bit sums for a message, padded with zeros to a multiple of 32 bytes.
 * @param key little-endian 32-bit words; lane i begins 4 * i words in
 */
export function referenceNh(message: Uint8Array, key: Uint8Array): bigint[] {
  const padded = new Uint8Array(Math.ceil(message.length / 32) * 32);
  padded.set(message);
  const words = (bytes: Uint8Array, index: number): bigint =>
    BigInt(new DataView(bytes.buffer, bytes.byteOffset).getUint32(index * 4, true));
  return [0, 1, 2, 3].map((lane) => {
    let sum = 0n;
    for (let block = 0; block < padded.length / 4; block += 8) {
      for (let word = block; word < block + 4; word += 1) {
        const left = BigInt.asUintN(32, words(padded, word) + words(key, word + 4 * lane));
        const right = BigInt.asUintN(32, words(padded, word + 4) + words(key, word + 4 + 4 * lane));
        sum = BigInt.asUintN(64, sum + left * right);
      }
    }
    return sum;
  });
}
