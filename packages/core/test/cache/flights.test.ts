/** Verifications under way, when places are shared. */
import { describe, expect, test } from 'vitest';
import { Flights } from '../../src/cache/flights.ts';
import type { TokenDigest } from '../../src/cache/token-digest.ts';
import type { VerifiedToken } from '../../src/verify/verified-token.ts';

const flight = (): Promise<VerifiedToken> => new Promise(() => {});

/** Every token that can be digested has one place. */
function crowded(): Flights {
  const [words, brief] = [new Int32Array(8), new Int32Array(4)];
  const update = (token: string): boolean => token.startsWith('good');
  return new Flights({ words, brief, update, begin: update, finish: () => {} } satisfies TokenDigest);
}

describe('two tokens of one place', () => {
  test('share no verification, and the end of the second ends nothing of the first', () => {
    const flights = crowded();
    const first = flight();
    flights.add('good 1', first);
    const land = flights.add('good 2', flight());
    expect(flights.find('good 2')).toBeUndefined();
    land();
    expect(flights.find('good 1')).toBe(first);
  });
});

test('what can not be digested is compared as a whole too', () => {
  const flights = crowded();
  const first = flight();
  flights.add('bad 1', first);
  expect([flights.find('bad 2'), flights.find('bad 1'), flights.find(undefined as never)]).toEqual([undefined, first, undefined]);
});

test('what was forgotten does not take along what came after it', () => {
  const flights = crowded();
  const land = flights.add('good 1', flight());
  flights.clear();
  const second = flight();
  flights.add('good 1', second);
  land();
  expect(flights.find('good 1')).toBe(second);
});
