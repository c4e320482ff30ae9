/** Row S20: whatever breaks on the way to a decision, on any call and in any manner, the answer is no, and only this once. */
import { describe, expect, test } from 'vitest';
import { ASYNCHRONOUS, type Fault, FaultWorld, SEAMS, type Seam } from '../support/fault-world.ts';
import { freshKey, testKey } from '../support/keys.ts';
import { NOW, accessClaims, makeToken } from '../support/tokens.ts';

const key = testKey('ES256');
const tokenOf = (claims: Parameters<typeof accessClaims>[0]): string => makeToken(key, { payload: accessClaims(claims) });
let serial = 0;
const good = (): string => tokenOf({ jti: `good-${(serial += 1)}` });

/** Tokens that nothing may make good, with what is wrong about them. */
const BAD: Readonly<Record<string, string>> = {
  signature_invalid: makeToken({ ...key, sign: freshKey('ES256').sign }),
  token_expired: tokenOf({ exp: NOW - 100 }),
  audience_mismatch: tokenOf({ aud: 'https://other.example' }),
  token_revoked: tokenOf({ jti: 'revoked' }),
};

/** Parts that callers of one token share: where they fail, all of them are refused. */
const SHARED: ReadonlySet<Seam> = new Set(['keys.load', 'checks.check', 'checks.accepted', 'ledger.spend']);

/** Parts whose failure says nothing about the token: its verdict stays. */
const AFTER_THE_CACHE: ReadonlySet<Seam> = new Set(['headers', 'exchange']);

/** What happens before the fault, and while it does. */
const SCENARIOS: Readonly<Record<string, readonly ['cached' | 'one-time', warm: boolean, callers: number]>> = {
  'a first request': ['cached', false, 1],
  'a cached token': ['cached', true, 1],
  'three callers at once, one verification': ['cached', false, 3],
  'a one-time token': ['one-time', false, 1],
};

async function worldOf(form: 'cached' | 'one-time', isWarm: boolean, token: string): Promise<FaultWorld> {
  const world = new FaultWorld(form);
  if (isWarm) expect(await world.admit(token)).toBe('accepted');
  return world;
}

/** Every call that is made when nothing breaks, in every manner in which it can break. */
async function faultsOf(form: 'cached' | 'one-time', isWarm: boolean, callers: number): Promise<Fault[]> {
  const token = good();
  const world = await worldOf(form, isWarm, token);
  const before = { ...world.calls };
  const answers = await Promise.all(Array.from({ length: callers }, () => world.admit(token)));
  expect(new Set(answers)).toEqual(new Set(['accepted']));
  return SEAMS.flatMap((seam) =>
    Array.from({ length: world.calls[seam] - before[seam] }, (_, index) => index + 1).flatMap((call) =>
      (ASYNCHRONOUS.includes(seam) ? (['throw', 'reject', 'hang'] as const) : (['throw'] as const)).map((kind) => ({
        seam,
        call,
        kind,
      })),
    ),
  );
}

async function settle(): Promise<void> {
  for (let turn = 0; turn < 3; turn += 1) await new Promise(setImmediate);
}

describe('S20: faults on the way to a decision', () => {
  const reached = new Set<Seam>();

  test.each(Object.entries(SCENARIOS))('S20: %s: every call that breaks refuses', async (_, [form, isWarm, callers]) => {
    const faults = await faultsOf(form, isWarm, callers);
    expect(faults.length).toBeGreaterThan(4);
    for (const fault of faults) {
      const name = JSON.stringify(fault);
      const token = good();
      const world = await worldOf(form, isWarm, token);
      const sizeBefore = world.cache.stats().size;
      world.arm(fault);
      const answers: string[] = [];
      const admitting = Array.from({ length: callers }, async () => answers.push(await world.admit(token)));
      await settle();
      expect(world.hasTripped, name).toBe(true);
      reached.add(fault.seam);
      // While it hangs nobody is let in; when it is given up they hear of it.
      expect(fault.kind === 'hang' ? answers : [], name).toEqual([]);
      expect(world.abort(), name).toBe(fault.kind === 'hang');
      await Promise.all(admitting);
      const refused = answers.filter((answer) => answer !== 'accepted');
      expect(refused.length, name).toBeGreaterThanOrEqual(SHARED.has(fault.seam) ? callers : 1);
      // Nothing stays behind: no verdict that was not given, no verification that others would wait for.
      if (form === 'cached' && refused.length === callers && !AFTER_THE_CACHE.has(fault.seam))
        expect(world.cache.stats().size, name).toBe(sizeBefore);
      for (const [code, bad] of Object.entries(BAD)) expect(await world.admit(bad), name).toBe(code);
      expect(await world.admit(good()), name).toBe('accepted');
      // A one-time token is good for one more request at most: none if it was spent on the one that failed.
      const again = [await world.admit(token), await world.admit(token)];
      expect(again[1], name).toBe(form === 'cached' ? 'accepted' : 'token_replayed');
      if (form === 'cached') expect(again[0], name).toBe('accepted');
    }
  });

  test('S20: the scenarios reach every part', () => {
    expect([...reached].sort()).toEqual([...SEAMS].sort());
  });

  test.each(Object.entries(BAD))('S20: no fault makes a token good that is bad: %s', async (code, bad) => {
    for (const form of ['cached', 'one-time'] as const) {
      const usual = new FaultWorld(form);
      expect(await usual.admit(bad)).toBe(code);
      for (const seam of SEAMS) {
        for (let call = 1; call <= usual.calls[seam]; call += 1) {
          for (const kind of ASYNCHRONOUS.includes(seam) ? (['throw', 'reject', 'hang'] as const) : (['throw'] as const)) {
            const world = new FaultWorld(form);
            world.arm({ seam, call, kind });
            const answer = world.admit(bad);
            await settle();
            world.abort();
            expect(await answer, `${seam} ${call} ${kind}`).not.toBe('accepted');
            expect(await world.admit(bad)).toBe(code);
            expect(world.cache.stats().size).toBe(0);
          }
        }
      }
    }
  });

  test('S20: a verification that hangs holds up its own token alone, and clear() lets that one go on too', async () => {
    const world = new FaultWorld('cached');
    expect(await world.admit(good())).toBe('accepted');
    const token = good();
    world.arm({ seam: 'checks.check', call: 1, kind: 'hang' });
    const stuck = world.admit(token);
    await settle();
    expect(await world.admit(good())).toBe('accepted');
    world.cache.clear();
    expect(await world.admit(token)).toBe('accepted');
    world.abort();
    expect(await stuck).not.toBe('accepted');
    expect(await world.admit(token)).toBe('accepted');
  });
});
