/**
 * The cache never differs from a fresh verification, whatever happens to tokens, keys, time, revocations, their log and the process
 * (S9, D1, D2, D4, D6, D7, D8, D10).
 */
import { describe, expect, it } from 'vitest';
import { BROKEN_CACHES } from '../support/broken-caches.ts';
import { BROKEN_CHECKS, SHARING } from '../support/broken-checks.ts';
import { BROKEN_REVOCATIONS } from '../support/broken-revocations.ts';
import { BROKEN_STANDINGS, NOTES_ALONE } from '../support/broken-standings.ts';
import { runCampaign } from '../support/cache-checker.ts';
import { IS_LONG, amount, freshSeed } from '../support/campaign.ts';

const LONG_MS = 3_600_000;
/** Most defects show within a thousand steps; the rarest one, with some seeds, not within 100,000. */
const MOST_STEPS = 500_000;

describe('a defect that is there is found', () => {
  const seed = freshSeed();

  const defects = {
    ...Object.fromEntries(Object.entries(BROKEN_CACHES).map(([name, cache]) => [name, { cache }])),
    ...BROKEN_REVOCATIONS,
    ...BROKEN_STANDINGS,
  };

  it.each(Object.entries(defects))('%s', async (_, parts) => {
    const report = await runCampaign({ seed, steps: MOST_STEPS, family: 'secret', parts });
    expect(report.difference, `seed ${seed}: not found in ${report.steps} steps`).toBeDefined();
  });
});

describe('a defect that is there is found among verifiers that share', () => {
  const seed = freshSeed();

  it.each(Object.entries(BROKEN_CHECKS))('%s', async (_, parts) => {
    const report = await runCampaign({ seed, steps: MOST_STEPS, family: 'public', parts });
    expect(report.difference, `seed ${seed}: not found in ${report.steps} steps`).toBeDefined();
  });
});

describe('cached against uncached', () => {
  it.each([
    { name: 'secret keys', family: 'secret', steps: amount(80_000, 9_000_000) },
    { name: 'public keys', family: 'public', steps: amount(10_000, 500_000) },
    { name: 'notes alone', family: 'secret', steps: amount(10_000, 500_000), parts: NOTES_ALONE },
    { name: 'three verifiers sharing one table', family: 'public', steps: amount(10_000, 500_000), parts: SHARING },
  ] as const)(
    'S9: $steps steps with $name, 0 differences',
    { timeout: IS_LONG ? LONG_MS : 60_000 },
    async ({ steps, ...campaign }) => {
      const report = await runCampaign({ seed: freshSeed(), steps, ...campaign });
      expect(report.difference).toBeUndefined();
      expect(report.steps).toBe(steps);
      // A campaign of refusals alone would prove nothing.
      expect(report.accepted).toBeGreaterThan(steps / 20);
      expect(report.revoked).toBeGreaterThan(steps / 200);
      expect(report.unavailable).toBeGreaterThan(steps / 2000);
      expect(report.recalled).toBeGreaterThan(steps / 100);
    },
  );

  it('a campaign is replayed by its seed', async () => {
    const campaign = { seed: 7, steps: 2_000, family: 'secret' } as const;
    expect(await runCampaign(campaign)).toEqual(await runCampaign(campaign));
  });
});
