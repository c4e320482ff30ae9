/** Every row of the list of known holes that this package can have has a test that bears its id. */
import { readFileSync, readdirSync } from 'node:fs';
import { expect, test } from 'vitest';

const folder = new URL('../', import.meta.url);

const range = (letter: string, last: number): readonly string[] =>
  Array.from({ length: last }, (_, index) => `${letter}${index + 1}`);

const ROWS = [
  ...range('A', 15),
  ...range('B', 14),
  ...range('C', 8),
  // D10 and D11 need a log over the network, and a gateway.
  ...range('D', 9),
  'E12',
  'F6',
  'F7',
  'F8',
  'S12',
  'S13',
  'S14',
];

test.each(ROWS)('row %s has a test', (row) => {
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.test.ts'));
  const named = new RegExp(String.raw`\b(?:test|it)(?:\.each\([\s\S]*?\))?\(\s*['"\`]${row}: `);
  expect(files.filter((file) => named.test(readFileSync(new URL(file, folder), 'utf8')))).not.toEqual([]);
});
