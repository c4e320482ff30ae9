import { describe, expect, it } from 'vitest';
import { REFERENCE_CALIBRATION, ShapeError, hitMicros, parseCalibration } from '../src/index.ts';

/** The reference with one setting replaced; undefined removes it. */
const changed = (...changes: readonly (readonly [path: string, value: unknown])[]): unknown => {
  const copy = JSON.parse(JSON.stringify(REFERENCE_CALIBRATION)) as Record<string, unknown>;
  for (const [path, value] of changes) {
    const names = path.split('.');
    const last = names.pop()!;
    const holder = names.reduce((node, name) => node[name] as Record<string, unknown>, copy);
    holder[last] = value;
  }
  return JSON.parse(JSON.stringify(copy));
};

const issuesOf = (input: unknown): string[] => {
  try {
    parseCalibration(input);
  } catch (error) {
    if (error instanceof ShapeError) return error.message.split('\n');
    throw error;
  }
  return [];
};

describe('parseCalibration refuses', () => {
  it.each([
    ['no object', () => [], 'calibration: must be a map of settings'],
    ['another format', () => changed(['format', 1]), 'calibration.format: must be 2: measure again'],
    ['an unknown setting', () => changed(['speed', 1]), 'calibration.speed: is not a setting'],
    ['a missing algorithm', () => changed(['algorithms.ES256', undefined]), 'calibration.algorithms.ES256: is required'],
    [
      'a cost of nothing',
      () => changed(['algorithms.RS256.verifyMicros', 0]),
      'calibration.algorithms.RS256.verifyMicros: must be above 0',
    ],
    ['a text for a number', () => changed(['storeMicros', '4']), 'calibration.storeMicros: must be a number'],
    ['no hits', () => changed(['hits', []]), 'calibration.hits: must be a list with at least one element'],
    [
      'hits out of order',
      () => changed(['hits', REFERENCE_CALIBRATION.hits.toReversed()]),
      'calibration.hits.1.tokens: must be more than that of the one before',
    ],
    ['a machine without cores', () => changed(['machine.cores', 0]), 'calibration.machine.cores: must be at least 1'],
  ])('%s, naming the place', (_, input, message) => {
    expect(issuesOf(input())).toContain(message);
  });

  it('all of it at once', () => {
    const input = changed(['storeMicros', -1], ['proxyMicros', 0]);
    expect(issuesOf(input)).toEqual(['calibration.storeMicros: must be at least 0', 'calibration.proxyMicros: must be above 0']);
  });
});

describe('a calibration', () => {
  it('survives JSON', () => {
    expect(parseCalibration(JSON.parse(JSON.stringify(REFERENCE_CALIBRATION)))).toEqual(REFERENCE_CALIBRATION);
  });

  it('knows what a hit costs between the sizes that were measured, and no less or more outside', () => {
    const calibration = {
      ...REFERENCE_CALIBRATION,
      hits: [1_000, 100_000].map((tokens, index) => ({ tokens, micros: index + 1 })),
    };
    expect([1, 1_000, 10_000, 100_000, 1e9].map((tokens) => hitMicros(calibration, tokens))).toEqual([1, 1, 1.5, 2, 2]);
  });
});
