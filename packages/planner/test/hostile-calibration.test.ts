import { anything, assert, constantFrom, json, oneof, property } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { REFERENCE_CALIBRATION, ShapeError, parseCalibration } from '../src/index.ts';

/** The calibration that was read, or the refusal. Anything else is thrown. */
const outcomeOf = (input: unknown): object => {
  try {
    return parseCalibration(input);
  } catch (error) {
    if (error instanceof ShapeError) return error;
    throw error;
  }
};

const numbersIn = (value: unknown): number[] => {
  if (typeof value === 'number') return [value];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(numbersIn) : [];
};

/** Paths of all values of the reference, those of maps and lists included. */
const paths = (value: unknown, path: readonly string[] = []): string[][] => [
  [...path],
  ...(typeof value === 'object' && value !== null
    ? Object.entries(value).flatMap(([name, inner]) => paths(inner, [...path, name]))
    : []),
];

const ALL_PATHS = paths(REFERENCE_CALIBRATION).filter((path) => path.length > 0);

describe('a calibration of a stranger', () => {
  it('is refused or made of finite numbers of at least 0, whatever one value of it is', () => {
    const hostile = oneof(
      constantFrom(Number.NaN, Number.POSITIVE_INFINITY, -1, -0, 1e308, '__proto__', null, undefined, true, '', [], {}),
      anything(),
    );
    assert(
      property(constantFrom(...ALL_PATHS), hostile, (path, value) => {
        const copy = structuredClone(REFERENCE_CALIBRATION) as unknown as Record<string, unknown>;
        const holder = path.slice(0, -1).reduce((node, name) => node[name] as Record<string, unknown>, copy);
        holder[path.at(-1)!] = value;
        const outcome = outcomeOf(copy);
        if (outcome instanceof ShapeError) return outcome.issues.length > 0;
        return numbersIn(outcome).every((number) => Number.isFinite(number) && number >= 0);
      }),
      { numRuns: 2000 },
    );
  });

  it('is refused, whatever else it is', () => {
    assert(
      property(anything(), (input) => outcomeOf(input) instanceof ShapeError),
      { numRuns: 500 },
    );
    assert(
      property(json(), (text) => outcomeOf(JSON.parse(text)) instanceof ShapeError),
      { numRuns: 500 },
    );
  });

  it('changes no prototype and names no value in its refusal', () => {
    const text = JSON.stringify({ ...REFERENCE_CALIBRATION, storeMicros: 'eyJhbGciOiJSUzI1NiJ9' });
    const outcome = outcomeOf(
      JSON.parse(text.replace('{', '{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}},')),
    );
    expect(outcome).toBeInstanceOf(ShapeError);
    expect((outcome as ShapeError).message).not.toContain('eyJ');
    expect('polluted' in {}).toBe(false);
  });
});
