/** Draws one of many by weight in constant time (Walker's alias method). */
import type { Random } from './random.ts';

/** Draws indexes of `weights` in proportion. */
export function createDraw(weights: ArrayLike<number>, random: Random): () => number {
  const count = weights.length;
  const keep = new Float64Array(count);
  const alias = new Int32Array(count);
  let total = 0;
  for (let index = 0; index < count; index += 1) total += weights[index]!;
  const small = new Int32Array(count);
  const large = new Int32Array(count);
  let [smalls, larges] = [0, 0];
  for (let index = 0; index < count; index += 1) {
    keep[index] = (weights[index]! * count) / total;
    if (keep[index]! < 1) small[smalls++] = index;
    else large[larges++] = index;
  }
  while (smalls > 0 && larges > 0) {
    const low = small[--smalls]!;
    const high = large[larges - 1]!;
    alias[low] = high;
    keep[high] = keep[high]! + keep[low]! - 1;
    if (keep[high]! < 1) small[smalls++] = large[--larges]!;
  }
  while (larges > 0) keep[large[--larges]!] = 1;
  while (smalls > 0) keep[small[--smalls]!] = 1;
  return () => {
    const at = random.uniform() * count;
    const index = Math.floor(at);
    return at - index < keep[index]! ? index : alias[index]!;
  };
}
