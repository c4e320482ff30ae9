/** The way back from where a digest is looked for: tests of a table say which place they mean. */

/** The first word of a digest whose second word is 0, and whose home is this one. */
export function wordFor(home: number): number {
  return unshift(Math.imul(unshift(home, 15), INVERSE), 16);
}

/** 0x85ebca6b times this is 1 modulo 2^32. */
const INVERSE = 0xa5cb9243;

// x, from x ^ (x >>> bits).
function unshift(mixed: number, bits: number): number {
  let value = mixed;
  for (let known = bits; known < 32; known += bits) value = mixed ^ (value >>> bits);
  return value;
}
