/** NH with four Toeplitz lanes as RFC 4418 section 5.2.2 writes it down, and Multilinear-HM, in integers of any size. */

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

/**
 * The 32-bit words to which sums are folded: the first one is made of the first sum alone.
 * @param key little-endian 64-bit numbers, nine for each word
 */
export function referenceFold(sums: readonly bigint[], key: Uint8Array): number[] {
  const view = new DataView(key.buffer, key.byteOffset, key.byteLength);
  const number = (index: number): bigint => view.getBigUint64(8 * index, true);
  return [0, 9, 18, 27].map((first) => {
    let hash = number(first);
    for (const [lane, sum] of (first === 0 ? sums.slice(0, 1) : sums).entries()) {
      const [left, right] = [number(first + 1 + 2 * lane), number(first + 2 + 2 * lane)];
      hash += (left + (sum >> 32n)) * (right + BigInt.asUintN(32, sum));
    }
    return Number(BigInt.asIntN(32, hash >> 32n));
  });
}
