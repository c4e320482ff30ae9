/** Bytes that are nearly right. */

/** A few bytes changed, left out, repeated or added. */
export function mutate(bytes: Buffer, random: () => number): Buffer {
  let mutated = Buffer.from(bytes);
  for (let changes = 1 + Math.floor(random() * 3); changes > 0; changes -= 1) {
    const at = Math.floor(random() * mutated.length);
    const kind = Math.floor(random() * 5);
    if (kind === 0) mutated[at] = Math.floor(random() * 256);
    else if (kind === 1) mutated[at] = mutated[at]! ^ (1 << Math.floor(random() * 8));
    else if (kind === 2) mutated = mutated.subarray(0, at);
    else if (kind === 3)
      mutated = Buffer.concat([mutated.subarray(0, at), mutated.subarray(Math.floor(random() * mutated.length))]);
    else mutated = Buffer.concat([mutated.subarray(0, at), Buffer.from([Math.floor(random() * 256)]), mutated.subarray(at)]);
    if (mutated.length === 0) return mutated;
  }
  return mutated;
}
