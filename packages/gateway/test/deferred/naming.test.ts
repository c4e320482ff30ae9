/** Ids of requests that are put aside: nobody guesses one, and a store finds those of one moment in one place. */
import { expect, test } from 'vitest';
import { ID_FORM, createId, digest, digestOfClient } from '../../src/deferred/naming.ts';

test('ids have their form and never come twice, whatever the clock says', () => {
  const ids = [Number.MIN_SAFE_INTEGER, -1, 0, 0.5, 1.8e12, 1.8e12 + 0.25, 1e300].flatMap((nowMs) =>
    Array.from({ length: 300 }, () => createId(nowMs)),
  );
  for (const id of ids) expect(id).toMatch(ID_FORM);
  expect(new Set(ids).size).toBe(ids.length);
  // Nor does their random part.
  expect(new Set(ids.map((id) => id.slice(8))).size).toBe(ids.length);
});

test('ids of later moments come later in the order of a store', () => {
  const START_MS = 1_800_000_000_000;
  const ids = Array.from({ length: 500 }, (_, step) => createId(START_MS + 7 * step ** 2));
  expect(ids.toSorted()).toEqual(ids);
});

test('a digest tells apart what was cut elsewhere; that of a client is always the same', () => {
  expect(digest('a', 'bc')).not.toBe(digest('ab', 'c'));
  expect(digestOfClient('192.0.2.1')).toBe(digest('client', '192.0.2.1'));
  for (let client = 0; client < 3000; client += 1) digestOfClient(`client ${client}`);
  expect(digestOfClient('192.0.2.1')).toBe(digest('client', '192.0.2.1'));
});
