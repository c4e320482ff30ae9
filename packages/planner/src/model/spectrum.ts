/** Values of a Laplace transform at several points at once. Flat arrays, since plans ask for many. */

/** Complex numbers, each with the one at the same place of another. Methods change it, and give it back. */
export class Spectrum {
  readonly re: Float64Array;
  readonly im: Float64Array;

  constructor(size: number) {
    this.re = new Float64Array(size);
    this.im = new Float64Array(size);
  }

  /** Becomes as another. */
  set({ re, im }: Spectrum): this {
    for (let at = 0; at < re.length; at += 1) {
      this.re[at] = re[at]!;
      this.im[at] = im[at]!;
    }
    return this;
  }

  /** Becomes one real number everywhere. */
  fill(real: number): this {
    this.re.fill(real);
    this.im.fill(0);
    return this;
  }

  /** Adds `share` of another. */
  plus({ re, im }: Spectrum, share = 1): this {
    for (let at = 0; at < re.length; at += 1) {
      this.re[at]! += share * re[at]!;
      this.im[at]! += share * im[at]!;
    }
    return this;
  }

  /** `real + share * z`. */
  scaled(share: number, real = 0): this {
    for (let at = 0; at < this.re.length; at += 1) {
      this.re[at] = share * this.re[at]! + real;
      this.im[at]! *= share;
    }
    return this;
  }

  times({ re, im }: Spectrum): this {
    for (let at = 0; at < re.length; at += 1) {
      const a = this.re[at]!;
      const b = this.im[at]!;
      this.re[at] = a * re[at]! - b * im[at]!;
      this.im[at] = a * im[at]! + b * re[at]!;
    }
    return this;
  }

  over({ re, im }: Spectrum): this {
    for (let at = 0; at < re.length; at += 1) {
      const a = this.re[at]!;
      const b = this.im[at]!;
      const c = re[at]!;
      const d = im[at]!;
      const size = c * c + d * d;
      this.re[at] = (a * c + b * d) / size;
      this.im[at] = (b * c - a * d) / size;
    }
    return this;
  }

  /** `exp(-z * seconds)`: what a delay is in a transform. Nothing is left after an infinite one. */
  delayed(seconds: number): this {
    if (seconds === Infinity) return this.fill(0);
    for (let at = 0; at < this.re.length; at += 1) {
      const size = Math.exp(-seconds * this.re[at]!);
      const turn = -seconds * this.im[at]!;
      this.re[at] = size * Math.cos(turn);
      this.im[at] = size * Math.sin(turn);
    }
    return this;
  }

  /** The real parts, weighed. */
  sum(weights: Float64Array): number {
    let sum = 0;
    for (let at = 0; at < weights.length; at += 1) sum += weights[at]! * this.re[at]!;
    return sum;
  }
}
