import { runReadmeExample } from '@watchword/conformance';
import { expect, it } from 'vitest';

it('runs, and prints what its comments say', { timeout: 60_000 }, async () => {
  const { printed, promised } = await runReadmeExample(new URL('..', import.meta.url));
  expect(promised.length).toBeGreaterThan(5);
  expect(printed).toEqual(promised);
});
