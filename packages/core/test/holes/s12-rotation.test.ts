/** Scorecard row S12: 120 rotations in 10 minutes under traffic, some of them rude. Time is simulated. */
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createCachedVerifier } from '../../src/cache/cached-verifier.ts';
import { KEY_VANISHED_CHANNEL, type KeyVanished } from '../../src/keys/key-vanished.ts';
import { createVerifier } from '../../src/verify/create-verifier.ts';
import { published } from '../support/jwks-server.ts';
import { type TestKey, freshKey } from '../support/keys.ts';
import { SimulatedIssuer } from '../support/simulated-issuer.ts';
import { NOW, accessClaims, issuerPolicy, makeToken } from '../support/tokens.ts';
import { verdict } from '../support/verdicts.ts';

const SECOND = 1000;
const ROTATIONS = 120;
const EVERY_MS = 5 * SECOND;
const REFRESH_MS = 20 * SECOND;
const TIMEOUT_MS = 5;
/** A careful issuer publishes a key so long before it signs with it, and so long after. */
const LEAD_MS = 25 * SECOND;
const GRACE_MS = 30 * SECOND;

type Manner = 'in good order' | 'removed while in use' | 'replaced under its key id';

/** The life of one signing key, in time since the beginning. */
interface Life {
  readonly key: TestKey;
  readonly token: string;
  readonly manner: Manner;
  readonly publishedMs: number;
  /** Signs from here to the next rotation. */
  readonly signsMs: number;
  /** Tokens of it are sent until here. */
  readonly quietMs: number;
  readonly goneMs: number;
  readonly heir: object | undefined;
}

function lifeOf(index: number): Life {
  const manner: Manner =
    index % 10 === 7 ? 'removed while in use' : index % 10 === 3 ? 'replaced under its key id' : 'in good order';
  const key = freshKey('ES256', `key-${index}`);
  const signsMs = index * EVERY_MS;
  // Rude: in the middle of the traffic that it signed.
  const goneMs = manner === 'in good order' ? signsMs + EVERY_MS + 2 * GRACE_MS : signsMs + EVERY_MS + GRACE_MS / 2;
  return {
    key,
    token: makeToken(key, { payload: accessClaims({ exp: NOW + 100_000 }) }),
    manner,
    publishedMs: signsMs - LEAD_MS,
    signsMs,
    quietMs: manner === 'in good order' ? signsMs + EVERY_MS + GRACE_MS : Infinity,
    goneMs,
    heir: manner === 'replaced under its key id' ? published(freshKey('ES256', key.kid)) : undefined,
  };
}

const alarms: { readonly atMs: number; readonly kid: string | undefined; readonly replaced: boolean }[] = [];
let clock: () => number;
const note = (message: unknown): void => {
  const { kid, replaced } = message as KeyVanished;
  alarms.push({ atMs: clock(), kid, replaced });
};
beforeEach(() => subscribe(KEY_VANISHED_CHANNEL, note));
afterEach(() => {
  unsubscribe(KEY_VANISHED_CHANNEL, note);
});

test('S12: no good token is refused, no retired key outlives the refresh bound, and each rude removal raises an alarm', async () => {
  const lives = Array.from({ length: ROTATIONS }, (_, index) => lifeOf(index));
  const issuer = new SimulatedIssuer();
  clock = issuer.clock;
  const startMs = issuer.nowMs;
  const publish = (atMs: number): void => {
    issuer.published = lives.flatMap(({ key, publishedMs, goneMs, heir }) => {
      if (publishedMs > atMs) return [];
      return atMs < goneMs ? [published(key)] : heir === undefined ? [] : [heir];
    });
  };
  publish(0);
  const keys = issuer.keys({ refreshMs: REFRESH_MS, cooldownMs: 15 * SECOND, timeoutMs: TIMEOUT_MS });
  const plain = createVerifier({ issuers: [issuerPolicy(lives[0]!.key, { keys })], clock });
  const verifier = createCachedVerifier(plain);
  await keys.ready();

  const falseRefusals: string[] = [];
  const outlived: string[] = [];
  let good = 0;
  let retired = 0;
  for (let atMs = 0; atMs <= ROTATIONS * EVERY_MS; atMs += SECOND) {
    publish(atMs);
    await issuer.pass(startMs + atMs - issuer.nowMs);
    for (const { key, token, signsMs, quietMs, goneMs } of lives) {
      if (signsMs <= atMs && atMs < Math.min(quietMs, goneMs)) {
        good += 1;
        const verdicts = [await verdict(verifier, token), atMs % EVERY_MS === 0 ? await verdict(plain, token) : 'accepted'];
        if (verdicts.some((one) => one !== 'accepted')) falseRefusals.push(`${key.kid} at ${atMs}: ${verdicts.join()}`);
      } else if (goneMs + REFRESH_MS + TIMEOUT_MS <= atMs && atMs < goneMs + 2 * GRACE_MS) {
        retired += 1;
        const verdicts = [verifier.recall(token) === undefined ? 'forgotten' : 'recalled', await verdict(plain, token)];
        if (verdicts[0] !== 'forgotten' || verdicts[1] === 'accepted') outlived.push(`${key.kid} at ${atMs}: ${verdicts.join()}`);
      }
    }
  }
  keys.close();
  expect({ falseRefusals, outlived }).toEqual({ falseRefusals: [], outlived: [] });
  // The test has seen what it is about.
  expect(good).toBeGreaterThan(2000);
  expect(retired).toBeGreaterThan(2000);

  const endMs = ROTATIONS * EVERY_MS;
  const rude = lives.filter(({ manner, goneMs }) => manner !== 'in good order' && goneMs + REFRESH_MS <= endMs);
  expect(rude.length).toBeGreaterThan(20);
  for (const { key, goneMs, manner } of rude) {
    const seenMs = issuer.moments.find((moment) => moment >= startMs + goneMs)!;
    const raised = alarms.filter(({ kid }) => kid === key.kid);
    expect(raised, `${key.kid} ${manner}`).toHaveLength(1);
    expect(raised[0]!.replaced).toBe(manner === 'replaced under its key id');
    expect(raised[0]!.atMs - seenMs).toBeLessThanOrEqual(5 * SECOND);
    expect(raised[0]!.atMs - startMs - goneMs).toBeLessThanOrEqual(REFRESH_MS + TIMEOUT_MS);
  }
  const quiet = new Set(lives.filter(({ manner }) => manner === 'in good order').map(({ key }) => key.kid));
  expect(alarms.filter(({ kid }) => quiet.has(kid!))).toEqual([]);
});
