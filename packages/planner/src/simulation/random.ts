/** Random numbers from a seed: the same everywhere, so that a simulation can be repeated. */

/** A stream of numbers. */
export interface Random {
  /** Uniform, 0 <= x < 1. */
  uniform(): number;
  /** Exponential with mean 1. */
  exponential(): number;
}

/** Creates a stream: xorshift128 (Marsaglia 2003), its state filled from the seed by a hash with good avalanche. */
export function createRandom(seed: number): Random {
  let [a, b, c, d] = [1, 2, 3, 4].map((salt) => scramble(seed + salt * 0x9e3779b9) | 1) as [number, number, number, number];
  const next = (): number => {
    const mixed = d ^ (d << 11);
    [d, c, b] = [c, b, a];
    a = a ^ (a >>> 19) ^ mixed ^ (mixed >>> 8);
    return a >>> 0;
  };
  for (let skip = 0; skip < 16; skip += 1) next();
  const uniform = (): number => next() / 2 ** 32;
  return { uniform, exponential: () => -Math.log(1 - uniform()) };
}

function scramble(value: number): number {
  let word = value | 0;
  word = Math.imul(word ^ (word >>> 16), 0x21f0aaad);
  word = Math.imul(word ^ (word >>> 15), 0x735a2d97);
  return word ^ (word >>> 15);
}
