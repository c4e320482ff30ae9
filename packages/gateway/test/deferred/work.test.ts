/** What must not begin although everything about it was good a moment ago. */
import type { Verifier } from '@watchword/core';
import type { DeferredRequest, Job } from '@watchword/deferred';
import { expect, test } from 'vitest';
import { HOST, PATH } from '../../src/deferred/door.ts';
import { type WorkParts, createWork } from '../../src/deferred/work.ts';

const NOW = 1_800_000_000_000;

/** Asks about a status list in between. */
async function play(between: () => void, clock: () => number, signal: AbortSignal): Promise<object> {
  const slow = (verifier: Verifier): Verifier => ({
    ...verifier,
    async verify(reference) {
      const token = await verifier.verify(reference);
      between();
      return token;
    },
  });
  const work = createWork({
    clock,
    route: () => ({ route: { deferredForMs: 1000, upstream: 'main' }, canonicalPath: '/later' }),
    verifier: { verifyMany: async () => [{ token: {} }] },
    decorate: slow,
    authorize: () => {},
    exchange: () => 'a Txn-Token',
    upstreams: { get: () => expect.unreachable('it has begun') },
    answerBytes: 100,
  } as unknown as WorkParts);
  const headers = [
    [HOST, 'host'],
    [PATH, '/later'],
  ];
  const request = { method: 'POST', target: '/later', headers, body: Buffer.alloc(0), token: 'a.b.c', isProven: false };
  const entry = { id: 'id', issuer: 'i', acceptedAtMs: NOW, runBeforeMs: NOW + 1000 };
  const [result] = work([{ entry, request, attempt: 1, signal } as unknown as Job<DeferredRequest>]);
  return result!;
}

test('what became too old while its token was judged', async () => {
  let nowMs = NOW;
  const late = (): void => void (nowMs += 1000);
  expect(await play(late, () => nowMs, new AbortController().signal)).toEqual({ state: 'refused', reason: 'token_too_old' });
});

test('what was lost to another worker while its token was judged', async () => {
  const controller = new AbortController();
  const result = await play(
    () => controller.abort(),
    () => NOW,
    controller.signal,
  );
  expect(result).toMatchObject({ state: 'retry' });
});
