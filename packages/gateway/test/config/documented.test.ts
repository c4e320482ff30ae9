import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { createConfigJsonSchema } from '../../src/index.ts';

const README = readFileSync(new URL('../../README.md', import.meta.url), 'utf8');

/** The names of all settings, with their places. */
function* settings(node: unknown, path: readonly string[] = []): Generator<readonly string[]> {
  if (typeof node !== 'object' || node === null) return;
  const { properties = {}, items, additionalProperties, ...rest } = node as Record<string, unknown>;
  for (const [name, member] of Object.entries(properties as object)) {
    yield [...path, name];
    yield* settings(member, [...path, name]);
  }
  yield* settings(items, [...path, '[]']);
  yield* settings(additionalProperties, [...path, '*']);
  for (const group of ['anyOf', 'oneOf', 'allOf']) {
    for (const member of (rest[group] ?? []) as unknown[]) yield* settings(member, path);
  }
}

test('every setting of the configuration is named in the README', () => {
  const all = [...settings(createConfigJsonSchema())];
  expect(all.length).toBeGreaterThan(200);
  const missing = all.filter((path) => !new RegExp(`(?<![A-Za-z])${path.at(-1)}(?![A-Za-z])`).test(README));
  expect(missing.map((path) => path.join('.'))).toEqual([]);
});
