import { expect, test } from 'vitest';
import { bytes, compact, count, duration, latency, number, percent, rate, text } from '../../page/src/format.ts';

test('unknown is a dash, with the unit it would have', () => {
  expect([rate(undefined), percent(undefined), bytes(undefined), latency(undefined)].map(text)).toEqual([
    '–/s',
    '– %',
    '– B',
    '– ms',
  ]);
  expect([count(undefined), duration(undefined)]).toEqual(['–', '–']);
});

test('not all is never shown as all', () => {
  expect([0.99999, 1, 0, 0.5].map((share) => percent(share).value)).toEqual(['99.9', '100.0', '0.0', '50.0']);
});

test('units follow the size', () => {
  expect([847, 1980, 27_300_000, 5e12].map((value) => text(bytes(value)))).toEqual(['847 B', '1.98 kB', '27.3 MB', '5.00 TB']);
  expect([0.000_031, 0.0092, 1.5].map((value) => text(latency(value)))).toEqual(['31.0 µs', '9.20 ms', '1.50 s']);
  expect([4, 90, 12_000, 200_000, -90].map(duration)).toEqual(['4 s', '1 min', '3 h 20 min', '2 d 7 h', '−1 min']);
  expect([100, 10_000, 1_000_000].map(compact)).toEqual(['100', '10 k', '1 M']);
  expect([0, 0.000_52, 0.02, 0.1254, 1.254, 31.44, 1204.4].map(number)).toEqual([
    '0',
    '0.00052',
    '0.020',
    '0.125',
    '1.25',
    '31.4',
    '1,204',
  ]);
});
