/** Where a rising function passes zero. */

const STEPS = 60;
const PRECISION = 1e-5;

/** Regula falsi on a logarithmic scale (Illinois). @param low where the function is at most 0 @param high where it is at least 0; both positive */
export function rootOf(rising: (at: number) => number, low: number, high: number): number {
  let [left, right] = [Math.log(low), Math.log(high)];
  let [below, above] = [rising(low), rising(high)];
  if (below >= 0) return low;
  if (above <= 0) return high;
  let side = 0;
  for (let step = 0; step < STEPS && right - left > PRECISION; step += 1) {
    const middle = (left * above - right * below) / (above - below);
    const value = rising(Math.exp(middle));
    if (value === 0) return Math.exp(middle);
    if (value > 0) {
      [right, above] = [middle, value];
      if (side === 1) below /= 2;
      side = 1;
    } else {
      [left, below] = [middle, value];
      if (side === -1) above /= 2;
      side = -1;
    }
    if (Math.abs(value) < PRECISION * Math.abs(below - above)) break;
  }
  return Math.exp((left * above - right * below) / (above - below));
}
