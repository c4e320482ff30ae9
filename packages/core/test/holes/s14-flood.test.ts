/** Scorecard row S14, with C2 and C3: 100,000 random key ids in 60 simulated seconds, against a real server. */
import { randomBytes } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { createVerifier } from '../../src/verify/create-verifier.ts';
import { earlyRefusalOf } from '../../src/verify/early-refusal.ts';
import type { Verifier } from '../../src/verify/verifier.ts';
import { type Behaviour, type JwksServer, misbehaviours, published, serving, startJwksServer } from '../support/jwks-server.ts';
import { amount } from '../support/campaign.ts';
import { testKey } from '../support/keys.ts';
import { remoteKeysAt } from '../support/remote-keys.ts';
import { NOW, accessClaims, issuerPolicy, makeToken } from '../support/tokens.ts';
import { tally, verdict } from '../support/verdicts.ts';

const DURATION_MS = 60_000;
const old = testKey('ES256', 'old');
const next = testKey('ES256', 'next');
const payload = accessClaims({ exp: NOW + 100_000 });
const oldToken = makeToken(old, { payload });
const nextToken = makeToken(next, { payload });
const [, PAYLOAD, SIGNATURE] = oldToken.split('.') as [string, string, string];

const GOOD = serving(published(old));
const ROTATED = serving(published(old), published(next));
const bad = misbehaviours([published(old)]);

interface Flood {
  readonly kids: number;
  /** Before the rotation. */
  readonly weather: Behaviour;
  /** Whether the keys were known before the flood. */
  readonly isWarm: boolean;
  /** When the new key is published, and the weather good, after the beginning. */
  readonly rotationMs: number;
}

/** What came of it. */
interface Outcome {
  readonly moments: readonly number[];
  readonly flood: Record<string, number>;
  readonly known: Record<string, number>;
  readonly seenAfterMs: number;
}

async function run({ kids, weather, isWarm, rotationMs }: Flood): Promise<Outcome> {
  let nowMs = NOW * 1000;
  const moments: number[] = [];
  const server: JwksServer = await startJwksServer((response, request) => {
    moments.push(nowMs);
    (nowMs < startMs ? GOOD : nowMs < startMs + rotationMs ? weather : ROTATED)(response, request);
  });
  const keys = remoteKeysAt(server.url, () => nowMs);
  const verifier = createVerifier({ issuers: [issuerPolicy(old, { keys })], clock: () => nowMs });
  const startMs = nowMs + (isWarm ? 20_000 : 0);
  if (isWarm) await keys.ready();
  const [flood, known]: [string[], string[]] = [[], []];
  let seenAtMs = Infinity;
  for (let index = 0; index < kids; index += 1) {
    nowMs = startMs + (index * DURATION_MS) / kids;
    flood.push(await refusal(verifier, tokenOf(randomBytes(8).toString('hex'))));
    if (isWarm && index % 100 === 0) known.push(await verdict(verifier, oldToken));
    const isDue = seenAtMs === Infinity && nowMs >= startMs + rotationMs;
    if (isDue && (await verdict(verifier, nextToken)) === 'accepted') seenAtMs = nowMs;
  }
  keys.close();
  await server.close();
  return { moments, flood: tally(flood), known: tally(known), seenAfterMs: seenAtMs - startMs - rotationMs };
}

/** What is refused at once is refused for the same reason as it is otherwise. */
async function refusal(verifier: Verifier, token: string): Promise<string> {
  const early = earlyRefusalOf(verifier)!(token)?.code;
  const late = await verdict(verifier, token);
  return early === undefined || early === late ? late : `${early} at once, ${late} otherwise`;
}

function tokenOf(kid: string): string {
  const header = Buffer.from(JSON.stringify({ typ: 'at+jwt', alg: 'ES256', kid })).toString('base64url');
  return `${header}.${PAYLOAD}.${SIGNATURE}`;
}

/** The most fetches in any 30 s. */
function busiest(moments: readonly number[]): number {
  return Math.max(0, ...moments.map((start) => moments.filter((moment) => moment >= start && moment < start + 30_000).length));
}

describe('the issuer is well', () => {
  test('S14: 100,000 unknown key ids: at most 2 fetches in 30 s, no error for known keys, a rotation is seen within 30 s', async () => {
    const kids = 100_000;
    const outcome = await run({ kids, weather: GOOD, isWarm: true, rotationMs: 20_000 });
    expect(busiest(outcome.moments)).toBeLessThanOrEqual(2);
    expect(outcome.moments.length).toBeGreaterThanOrEqual(4);
    expect(outcome.known).toEqual({ accepted: kids / 100 });
    expect(outcome.seenAfterMs).toBeLessThanOrEqual(30_000);
    expect(outcome.flood).toEqual({ key_unknown: kids });
  });
});

describe.each(['sends an empty set', 'answers 404 with a good set', 'answers 500', 'resets the connection', 'answers HTML'])(
  'the issuer %s',
  (name) => {
    const kids = amount(10_000, 100_000);

    test('S14: with known keys: the same, and the next key is seen within 30 s of the recovery', async () => {
      const outcome = await run({ kids, weather: bad[name]!, isWarm: true, rotationMs: 25_000 });
      expect(busiest(outcome.moments)).toBeLessThanOrEqual(2);
      expect(outcome.known).toEqual({ accepted: kids / 100 });
      expect(outcome.seenAfterMs).toBeLessThanOrEqual(30_000);
      expect(Object.keys(outcome.flood).sort()).toEqual(['key_unknown', 'keys_unavailable']);
    });

    test('S14: from a cold start: the same', async () => {
      const outcome = await run({ kids, weather: bad[name]!, isWarm: false, rotationMs: 10_000 });
      expect(busiest(outcome.moments)).toBeLessThanOrEqual(2);
      expect(outcome.seenAfterMs).toBeLessThanOrEqual(30_000);
    });
  },
);
