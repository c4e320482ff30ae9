/** Random numbers that are the same for all contenders of a round. */

/** Draws `draws` numbers below `count`, with repetition; the same for the same seed. */
export function randomOrder(draws: number, count: number, seed: number): Uint32Array {
  const next = createGenerator(seed);
  return Uint32Array.from({ length: draws }, () => Math.floor(next() * count));
}

// mulberry32: 32 bits of state are plenty for choosing tokens.
function createGenerator(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
