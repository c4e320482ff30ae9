/** The memory of bad signatures: what it may and what it must not remember, and what a flood does to it. */
import { describe, expect, it } from 'vitest';
import { type KnownBadOptions, createKnownBadMemory } from '../../src/cache/known-bad.ts';
import { createCachedVerifier } from '../../src/cache/cached-verifier.ts';
import { WatchwordError } from '../../src/errors.ts';
import { type SignatureChecks, inlineChecks } from '../../src/jws/signature-checks.ts';
import { createLocalKeys } from '../../src/keys/local-keys.ts';
import { createVerifier } from '../../src/verify/create-verifier.ts';
import type { Verifier } from '../../src/verify/verifier.ts';
import { amount } from '../support/campaign.ts';
import { testKey } from '../support/keys.ts';
import { signatureChecks } from '../support/signature-count.ts';
import { ISSUER, clock, issuerPolicy, makeToken } from '../support/tokens.ts';
import { outcome, verdict } from '../support/verdicts.ts';

const key = testKey('HS256');
const good = makeToken(key);
const junk = (index: number): string => {
  const signature = Buffer.alloc(32);
  signature.writeUInt32LE(index + 1);
  return good.slice(0, good.lastIndexOf('.') + 1) + signature.toString('base64url');
};

function verifierWith(checks: SignatureChecks): Verifier {
  return createVerifier({ issuers: [issuerPolicy(key)], clock, checks });
}

describe('options', () => {
  it.each([{ maxEntries: 0 }, { maxEntries: NaN }, { maxEntries: 2 ** 21 }, { checks: {} }, { size: 5 }])(
    '%j is refused',
    (options) => {
      expect(outcome(() => createKnownBadMemory(options as KnownBadOptions))).toBe('config_invalid');
    },
  );
});

describe('what is remembered', () => {
  it('D8: the same junk again costs no signature check, and is refused in the same way', async () => {
    const memory = createKnownBadMemory();
    const verifier = verifierWith(memory);
    expect(await signatureChecks(() => verdict(verifier, junk(1)))).toBe(1);
    expect(await signatureChecks(async () => expect(await verdict(verifier, junk(1))).toBe('signature_invalid'))).toBe(0);
    expect(memory.stats()).toEqual({ hits: 1, evictions: 0, size: 1 });
  });

  it('good tokens are not, and are checked each time', async () => {
    const memory = createKnownBadMemory();
    const verifier = verifierWith(memory);
    for (let round = 0; round < 3; round += 1) expect(await signatureChecks(() => verifier.verify(good))).toBe(1);
    expect(memory.stats().size).toBe(0);
  });

  it('a signature that one key did not make may be that of another', async () => {
    const other = { ...testKey('HS256', 'other'), kid: key.kid };
    const material = { ...other.material, kid: key.kid };
    const keys = createLocalKeys({ issuer: ISSUER, keys: [material] });
    const verifier = createVerifier({ issuers: [issuerPolicy(key, { keys })], clock, checks: createKnownBadMemory() });
    expect(await verdict(verifier, good)).toBe('signature_invalid');
    keys.replace({ keys: [key.material] });
    expect(await verdict(verifier, good)).toBe('accepted');
    keys.replace({ keys: [material] });
    expect(await verdict(verifier, good)).toBe('signature_invalid');
  });

  it.each(['throws', 'rejects'])('checks that decline (one that %s) have said nothing', async (how) => {
    const error = new WatchwordError('token_malformed');
    let isDeclining = true;
    const decline = (): Promise<boolean> => {
      if (how === 'throws') throw error;
      return Promise.reject(error);
    };
    const memory = createKnownBadMemory({
      checks: { check: (...call) => (isDeclining ? decline() : inlineChecks.check(...call)) },
    });
    const verifier = verifierWith(memory);
    expect(await verdict(verifier, good)).toBe('token_malformed');
    isDeclining = false;
    expect([await verdict(verifier, good), memory.stats().size]).toEqual(['accepted', 0]);
  });

  it('answers that come later are remembered for the token they are about; accepted tokens are passed on', async () => {
    const accepted: string[] = [];
    const later: SignatureChecks = {
      check: async (...call) => inlineChecks.check(...call),
      accepted: ({ compact }) => void accepted.push(compact),
    };
    const verifier = verifierWith(createKnownBadMemory({ checks: later }));
    const both = (): Promise<string[]> =>
      Promise.all([verdict(verifier, junk(1)), verdict(verifier, good), verdict(verifier, junk(2))]);
    expect(await signatureChecks(both)).toBe(3);
    expect(
      await signatureChecks(async () => expect(await both()).toEqual(['signature_invalid', 'accepted', 'signature_invalid'])),
    ).toBe(1);
    expect(accepted).toEqual([good, good]);
  });
});

describe('D8: a flood of junk', () => {
  it('D8: leaves the good cache alone, and the memory within its bound', async () => {
    const memory = createKnownBadMemory({ maxEntries: 100 });
    const cached = createCachedVerifier(verifierWith(memory), { maxEntries: 10 });
    await cached.verify(good);
    for (let index = 0; index < amount(5000, 1_000_000); index += 1) await verdict(cached, junk(index));
    expect(cached.recall(good)).toBeDefined();
    expect([cached.stats().size, memory.stats().size]).toEqual([1, 100]);
  });

  it('does not push out what comes again and again', async () => {
    const memory = createKnownBadMemory({ maxEntries: 200 });
    const verifier = verifierWith(memory);
    let checks = 0;
    for (let index = 0; index < 10_000; index += 1) {
      await verdict(verifier, junk(1000 + index));
      if (index % 10 === 0) checks += await signatureChecks(() => verdict(verifier, junk((index / 10) % 10)));
    }
    // Each of the ten comes 100 times, with 100 new ones in between.
    expect(checks).toBeLessThanOrEqual(2 * 10);
  });
});
