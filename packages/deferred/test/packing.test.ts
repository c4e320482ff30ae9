/** Batches between threads: what comes out is what went in, whatever buffer it travelled in. */
import { randomBytes } from 'node:crypto';
import { array, assert as check, boolean, integer, property } from 'fast-check';
import { expect, test } from 'vitest';
import type { Question } from '../src/sqlite/operations.ts';
import { pack, packAnswers, spareOf, unpack, unpackAnswer } from '../src/sqlite/packing.ts';
import { entryOf } from './support/queue-harness.ts';

const accepts = (sizes: readonly number[]): Question[] =>
  sizes.map((size) => {
    const entry = { ...entryOf(), payload: new Uint8Array(randomBytes(size)) };
    // Without an idempotency key.
    return { name: 'accept', ask: size % 2 === 0 ? entry : { ...entry, fingerprint: entry.id } };
  });

test('entries and other questions, in their order; buffers that come back are used again', () => {
  let spare: ArrayBuffer | undefined;
  let reused = 0;
  check(
    property(array(integer({ min: 0, max: 90_000 }), { maxLength: 9 }), boolean(), (sizes, asksMore) => {
      const others: Question[] = asksMore
        ? [
            { name: 'status', ask: 'a' },
            { name: 'stats', ask: undefined },
          ]
        : [];
      const batch = { nowMs: sizes.length, questions: [...others, ...accepts(sizes), ...others] };
      const packed = pack(batch, spare);
      reused += Number(spare !== undefined && packed.payloads.buffer === spare);
      const there = structuredClone(packed, { transfer: [packed.payloads.buffer] });
      expect(packed.payloads.byteLength).toBe(0);
      expect(unpack(there)).toEqual(batch);
      spare = spareOf(there);
    }),
    { numRuns: 100 },
  );
  expect(reused).toBeGreaterThan(10);
});

test('what is said of an entry comes back as it was said', () => {
  const [mine, other] = accepts([1, 1]) as [Question & { name: 'accept' }, Question & { name: 'accept' }];
  const said: [unknown, Question][] = [
    [{ kind: 'accepted', id: mine.ask.id }, mine],
    [{ kind: 'repeated', id: other.ask.id }, mine],
    [{ kind: 'conflict' }, mine],
    [{ kind: 'full', scope: 'client', retryAfterMs: 1000 }, mine],
    [undefined, { name: 'status', ask: 'a' }],
    [[], { name: 'purge', ask: [] }],
  ];
  const packed = structuredClone(packAnswers(said.map(([answer]) => answer)));
  expect(said.map(([, question], index) => unpackAnswer(packed[index], question))).toEqual(said.map(([answer]) => answer));
});

test('a large buffer is not kept', () => {
  expect(spareOf(pack({ nowMs: 0, questions: accepts([2_000_000]) }))).toBeUndefined();
  expect(spareOf(pack({ nowMs: 0, questions: accepts([2000]) }))).toBeDefined();
});

test('nothing but payloads travels: not the memory beside them', () => {
  const [question] = accepts([10]);
  const pool = Buffer.alloc(100, 'secret');
  const payload = pool.subarray(20, 30);
  const { payloads } = pack({
    nowMs: 0,
    questions: [{ name: 'accept', ask: { ...(question as { ask: ReturnType<typeof entryOf> }).ask, payload } }],
  });
  expect(
    Buffer.from(payloads)
      .subarray(10)
      .every((byte) => byte === 0),
  ).toBe(true);
});
