/** Every row of the list of known holes that a gateway can have has a test that bears its id. */
import { readFileSync, readdirSync } from 'node:fs';
import { expect, test } from 'vitest';

const packages = new URL('../../', import.meta.url);

const range = (letter: string, last: number): readonly string[] =>
  Array.from({ length: last }, (_, index) => `${letter}${index + 1}`);

// F11 is a check of the messaging suite in packages/conformance, which every carrier runs.
const ROWS = [...range('E', 14), ...range('F', 10), 'D10', 'D11', 'S12', 'S15', 'S16', 'S18', 'S19', 'S20', 'S21', 'S22', 'S23'];

const texts = readdirSync(packages, { encoding: 'utf8' }).flatMap((name) => {
  const folder = new URL(`${name}/test/`, packages);
  return readTests(folder);
});

test.each(ROWS)('row %s has a test', (row) => {
  const named = new RegExp(String.raw`\b(?:test|it|describe)(?:\.\w+\([\s\S]*?\))?\(\s*['"\`][^'"\`]*\b${row}\b`);
  expect(texts.filter((text) => named.test(text)).length).toBeGreaterThan(0);
});

function readTests(folder: URL): string[] {
  try {
    return readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.test.ts') && !file.endsWith('rows.test.ts'))
      .map((file) => readFileSync(new URL(file, folder), 'utf8'));
  } catch {
    // A package without tests of its own.
    return [];
  }
}
