/** Where a figure comes from: told apart in every type and every output, so that a guess is never read as a measurement. */

/**
 * `measured`: counted or timed on a running system. `simulated`: counted in a simulation with a seed. `extrapolated`: computed by a
 * formula from unit costs, at a rate or size that nobody has run.
 */
export type Basis = 'measured' | 'simulated' | 'extrapolated';

/** A number that knows where it comes from. */
export interface Figure<Origin extends Basis = Basis> {
  readonly value: number;
  readonly basis: Origin;
}

/** What stands in front of a number in text. */
export const BASIS_MARKS: Readonly<Record<Basis, string>> = Object.freeze({ measured: '', simulated: '*', extrapolated: '~' });

/** Makes a figure. */
export function figure<Origin extends Basis>(value: number, basis: Origin): Figure<Origin> {
  return { value, basis };
}

/** What a number is that was computed from others: no better than the weakest of them. */
export function weakest(...bases: readonly Basis[]): Basis {
  return STRENGTHS.find((basis) => bases.includes(basis)) ?? 'measured';
}

const STRENGTHS: readonly Basis[] = ['extrapolated', 'simulated'];
