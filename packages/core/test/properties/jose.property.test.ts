/** The verifier against jose: never more lenient, and stricter only where the list says so. */
import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { createLocalKeys } from '../../src/keys/local-keys.ts';
import type { KeySource } from '../../src/keys/key-source.ts';
import { createVerifier } from '../../src/verify/create-verifier.ts';
import { earlyRefusalOf } from '../../src/verify/early-refusal.ts';
import type { VerifiedToken } from '../../src/verify/verified-token.ts';
import { IS_LONG, amount, freshSeed } from '../support/campaign.ts';
import { askJose } from '../support/jose-oracle.ts';
import type { TestKey } from '../support/keys.ts';
import { STRICTER_THAN_JOSE } from '../support/stricter-than-jose.ts';
import { type CasePolicy, type TokenCase, tokenCases } from '../support/token-cases.ts';
import { AUDIENCE, ISSUER } from '../support/tokens.ts';
import { codeOf } from '../support/verdicts.ts';

async function askWatchword({ policy, token, nowMs }: TokenCase): Promise<VerifiedToken | string> {
  const { tokenType, maxTokenAgeSeconds, ...rules } = policy;
  const age = maxTokenAgeSeconds === undefined ? {} : { maxTokenAgeSeconds };
  const verifier = createVerifier({
    issuers: [{ ...rules, ...age, issuer: ISSUER, keys: sourceOf(policy.keys), tokenTypes: [tokenType] }],
    clock: () => nowMs,
  });
  const early = earlyRefusalOf(verifier)!(token)?.code;
  const said = await verifier.verify(token).catch(codeOf);
  return early === undefined || early === said ? said : `refused at once as ${early}`;
}

const sources = new WeakMap<readonly TestKey[], KeySource>();

function sourceOf(keys: readonly TestKey[]): KeySource {
  const source = sources.get(keys) ?? createLocalKeys({ issuer: ISSUER, keys: keys.map((key) => key.material) });
  sources.set(keys, source);
  return source;
}

/** Compares the two; `distort` makes ours lenient on purpose. */
function comparison(
  count: (name: string) => void,
  distort: (policy: CasePolicy) => CasePolicy = (policy) => policy,
): fc.IAsyncProperty<[TokenCase]> {
  return fc.asyncProperty(tokenCases, async (tested) => {
    const [ours, theirs] = await Promise.all([askWatchword({ ...tested, policy: distort(tested.policy) }), askJose(tested)]);
    if (typeof ours !== 'string') {
      expect(theirs, 'accepted by Watchword, refused by jose').toBeDefined();
      expect({ ...ours.claims }).toEqual(theirs);
      count('accepted');
    } else if (theirs === undefined) {
      expect(ours).toMatch(/^[a-z_]+$/);
      count('refused by both');
    } else {
      const strictness = STRICTER_THAN_JOSE.find(({ code, applies }) => code === ours && applies(tested));
      expect(strictness, `${ours}: refused by Watchword, accepted by jose, and not in the list`).toBeDefined();
      count(`stricter: ${ours}`);
    }
  });
}

const LENIENT: Readonly<Record<string, (policy: CasePolicy) => CasePolicy>> = {
  'no maximum age': (policy) => ({ ...policy, maxTokenAgeSeconds: undefined }),
  'more tolerance': (policy) => ({ ...policy, toleranceSeconds: policy.toleranceSeconds + 1 }),
  'one audience more': (policy) => ({ ...policy, audience: [...policy.audience, AUDIENCE, 'x'] }),
  'a claim less': (policy) => ({ ...policy, requiredClaims: [] }),
  'an algorithm more': (policy) => ({ ...policy, algorithms: [...new Set(policy.keys.map((key) => key.alg))] }),
};

it.each(Object.entries(LENIENT))('a verifier with %s is found out', { timeout: 120_000 }, async (_, distort) => {
  const details = await fc.check(
    comparison(() => {}, distort),
    { seed: freshSeed(), numRuns: 40_000, endOnFailure: true },
  );
  expect(details.failed).toBe(true);
});

const CASES = amount(5000, 500_000);
const NAME = `${CASES} cases: what is accepted, jose accepts too; what jose accepts is accepted, or stands in the list`;

it(NAME, { timeout: IS_LONG ? 7_200_000 : 120_000 }, async () => {
  const tally: Record<string, number> = { accepted: 0, 'refused by both': 0 };
  const count = (name: string): void => {
    tally[name] = (tally[name] ?? 0) + 1;
  };
  await fc.assert(comparison(count), { seed: freshSeed(), numRuns: CASES, endOnFailure: IS_LONG });
  // Both sides of the comparison must have been exercised.
  expect(tally.accepted).toBeGreaterThan(CASES / 10);
  expect(tally['refused by both']).toBeGreaterThan(CASES / 10);
  // And the list holds nothing that is not so.
  if (IS_LONG) for (const { code } of STRICTER_THAN_JOSE) expect(tally).toHaveProperty(`stricter: ${code}`);
});
