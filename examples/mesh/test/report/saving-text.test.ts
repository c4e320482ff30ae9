import { expect, test } from 'vitest';
import { savingText } from '../../src/report/saving-text.ts';

test('what is saved; and a run that shows nothing says so', () => {
  expect(savingText(0.913)).toBe('Verifying once saves 91.3 % of the CPU that goes into verification.');
  for (const saved of [0, -1.864, Number.NaN]) expect(savingText(saved)).toContain('saved nothing in this run');
});
