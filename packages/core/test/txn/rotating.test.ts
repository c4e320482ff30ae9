/** S12: what a minter makes of keys that take turns. */
import { expect, test } from 'vitest';
import { createLocalKeys } from '../../src/keys/local-keys.ts';
import { generateSigningKey } from '../../src/keys/signing-key.ts';
import { SigningKeyTimeline } from '../../src/keys/signing-keys.ts';
import { NOW, verifiedToken } from '../support/tokens.ts';
import { DOMAIN, minterOf, read, txnVerifierOf } from '../support/txn.ts';
import { outcome } from '../support/verdicts.ts';

const subject = await verifiedToken({ exp: NOW + 3600 });
const START_MS = NOW * 1000;

/** Times in seconds from now. */
function scheduled(publishedAt: number, activatesAt: number, endsAt: number, tokensUntil: number, goneAt: number) {
  const at = (seconds: number): number => START_MS + seconds * 1000;
  return {
    key: generateSigningKey(),
    publishedAtMs: at(publishedAt),
    activatesAtMs: at(activatesAt),
    endsAtMs: at(endsAt),
    tokensUntilMs: at(tokensUntil),
    goneAtMs: at(goneAt),
  };
}

function rotating(...keys: ReturnType<typeof scheduled>[]) {
  let now = 0;
  const timeline = new SigningKeyTimeline();
  timeline.replace(keys);
  const minter = minterOf({ key: timeline, clock: () => START_MS + now * 1000, lifetimeSeconds: 60, reuseWindowSeconds: 30 });
  const kidOf = (token: string): unknown => read(token).header['kid'];
  return {
    timeline,
    minter,
    kidOf,
    at: (seconds: number) => ((now = seconds), minter.mint({ subject })),
    to: (at: number) => (now = at),
  };
}

test('S12: without a key nothing is signed, and it is not the caller who is at fault', () => {
  const { minter, at } = rotating(scheduled(0, 10, 100, 160, 170));
  for (const seconds of [0, 9, 100, 1000]) {
    expect(outcome(() => at(seconds))).toBe('signing_unavailable');
  }
  expect(outcome(() => at(99))).toBe('accepted');
  expect(minter.stats().minted).toBe(1);
});

test('S12: the next key is published before it signs, the last one until its tokens are over', () => {
  const [old, young] = [scheduled(-100, -50, 100, 160, 170), scheduled(0, 50, 300, 360, 370)];
  const { minter, kidOf, at, to } = rotating(old, young);
  const published = (seconds: number): unknown[] => (to(seconds), minter.jwks().keys.map(({ kid }) => kid));
  expect(kidOf(at(49))).toBe(old.key.kid);
  expect(published(49)).toEqual([young.key.kid, old.key.kid]);
  expect(kidOf(at(80))).toBe(young.key.kid);
  expect(published(169)).toEqual([young.key.kid, old.key.kid]);
  expect(published(170)).toEqual([young.key.kid]);
  expect(JSON.stringify(minter.jwks())).not.toContain('"d"');
});

test('S12: a token of the last key is reused while that key is published, and not longer', () => {
  const [old, young] = [scheduled(-100, -50, 100, 160, 170), scheduled(0, 50, 300, 360, 370)];
  const { timeline, minter, at } = rotating(old, young);
  const token = at(40);
  expect(at(60)).toBe(token);
  timeline.replace([young]);
  expect(at(60)).not.toBe(token);
  expect(minter.stats()).toEqual({ minted: 2, reused: 1 });
});

test('S12: a token ends before the publication of its key does', async () => {
  const one = scheduled(-100, -50, 100, 120, 130);
  const { at } = rotating(one);
  const { claims } = read(at(99));
  expect(claims['exp']).toBe(NOW + 120);
  const keys = createLocalKeys({ issuer: DOMAIN, algorithms: ['ES256'], jwks: { keys: [one.key.publicJwk()] } });
  await expect(txnVerifierOf({ keys, clock: () => START_MS + 99_000 }).verify(at(99))).resolves.toBeDefined();
});

test('S12: a key that stays is the same object, so that what it signed stays known', () => {
  const one = scheduled(-100, -50, 100, 160, 170);
  const { timeline } = rotating(one);
  timeline.replace([{ ...one, endsAtMs: one.endsAtMs + 1 }]);
  expect(timeline.isPublished(one.key, START_MS)).toBe(true);
  timeline.replace([{ ...one, key: generateSigningKey('ES256', one.key.kid) }]);
  expect(timeline.isPublished(one.key, START_MS)).toBe(false);
});
