/** What a function is at one point, from its Laplace transform: the Euler algorithm of Abate and Whitt (1995), a Fourier series. */
import { Spectrum } from './spectrum.ts';

/** The function is the sum of the transform's real parts at these points, weighed. */
export interface Samples {
  readonly at: Spectrum;
  readonly weights: Float64Array;
}

/** Terms that are summed as they are, and those after them that are averaged, since they alternate. */
const TERMS = 8;
const AVERAGED = 8;
/** The error of the series is about `exp(-DECAY)` of the function. */
const DECAY = 12;

/** Where to ask for the function at `point`. It should be smooth near there; a bend costs some 1e-4. */
export function samplesFor(point: number): Samples {
  const size = TERMS + AVERAGED + 1;
  const at = new Spectrum(size).fill(DECAY / 2 / point);
  const scale = Math.exp(DECAY / 2) / point;
  let [share, binomial] = [1, 1];
  const weights = Float64Array.from({ length: size }, (_, term) => {
    at.im[term] = (term * Math.PI) / point;
    if (term > TERMS) {
      share -= binomial / 2 ** AVERAGED;
      binomial *= (AVERAGED + TERMS + 1 - term) / (term - TERMS);
    }
    return scale * (term === 0 ? 0.5 : term % 2 === 0 ? share : -share);
  });
  return { at, weights };
}
