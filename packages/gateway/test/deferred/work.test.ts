/** What must not begin although everything about it was good a moment ago. */
import { RevocationIndex, type Verifier, createDeferredVerifier, createLocalKeys } from '@watchword/core';
import type { DeferredRequest, Job } from '@watchword/deferred';
import { expect, test } from 'vitest';
import { testKey } from '../../../core/test/support/keys.ts';
import { AUDIENCE, ISSUER, NOW, makeToken } from '../../../core/test/support/tokens.ts';
import { HOST, PATH } from '../../src/deferred/door.ts';
import { type WorkParts, createWork } from '../../src/deferred/work.ts';

const NOW_MS = NOW * 1000;
const key = testKey('ES256');

/** What may change while a status list is asked for. */
interface World {
  nowMs: number;
  readonly revoked: RevocationIndex;
  readonly keys: ReturnType<typeof createLocalKeys>;
  readonly controller: AbortController;
}

const BEGUN = new Error('it has begun');

/** Asks about a status list in between. */
async function play(between: (world: World) => void, deferredForMs = 1000): Promise<object> {
  const keys = createLocalKeys({ issuer: ISSUER, keys: [key.material] });
  const world: World = { nowMs: NOW_MS, revoked: new RevocationIndex(), keys, controller: new AbortController() };
  const slow = (verifier: Verifier): Verifier => ({
    ...verifier,
    async verify(reference) {
      const token = await verifier.verify(reference);
      between(world);
      return token;
    },
  });
  const revocations = { freshAtMs: NOW_MS, revokes: world.revoked.revokes.bind(world.revoked) };
  const work = createWork({
    route: () => ({ route: { deferredForMs, upstream: 'main' }, canonicalPath: '/later' }),
    verifier: createDeferredVerifier({
      issuers: [{ issuer: ISSUER, audience: AUDIENCE, algorithms: [key.alg], keys }],
      clock: () => world.nowMs,
      revocations,
    }),
    decorate: slow,
    authorize: () => {},
    exchange: () => 'a Txn-Token',
    upstreams: {
      get() {
        throw BEGUN;
      },
    },
    answerBytes: 100,
  } as unknown as WorkParts);
  const headers = [
    [HOST, 'host'],
    [PATH, '/later'],
  ];
  const request = { method: 'POST', target: '/later', headers, body: Buffer.alloc(0), token: makeToken(key), isProven: false };
  const entry = { id: 'id', issuer: ISSUER, acceptedAtMs: NOW_MS - 10, runBeforeMs: NOW_MS + 1000 };
  const { signal } = world.controller;
  const [result] = work([{ entry, request, attempt: 1, signal } as unknown as Job<DeferredRequest>]);
  return result!;
}

const refused = (reason: string): unknown => expect.objectContaining({ state: 'refused', reason });

test('what became too old while its token was judged', async () => {
  expect(await play((world) => (world.nowMs += 1000))).toEqual(refused('token_too_old'));
});

test('what became too old by a route that lets requests wait for a shorter time than when it was accepted', async () => {
  expect(await play(() => {}, 10)).toEqual(refused('token_too_old'));
  expect(await play((world) => (world.nowMs += 10), 20)).toEqual(refused('token_too_old'));
});

test('what was revoked while its token was judged', async () => {
  const revoke = ({ revoked }: World): boolean => revoked.add({ issuer: ISSUER, jti: 'token-1', expiresAtMs: NOW_MS + 300_000 });
  expect(await play((world) => void revoke(world))).toEqual(refused('token_revoked'));
});

test('what was signed with a key that went while its token was judged', async () => {
  expect(await play(({ keys }) => keys.replace({ keys: [testKey('ES256', 'another').material] }))).toEqual(
    refused('key_unknown'),
  );
});

test('what was lost to another worker while its token was judged', async () => {
  expect(await play(({ controller }) => controller.abort())).toMatchObject({ state: 'retry', reason: 'upstream_timeout' });
});

test('nothing of the kind: it begins', async () => {
  expect(await play(() => {})).toMatchObject({ reason: 'internal' });
});
