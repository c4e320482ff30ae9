/** A queue against the plain model of it: random workers, clock steps, leases that run out, restarts. */
import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import { test } from 'vitest';
import { amount, freshSeed } from '../../../core/test/support/campaign.ts';
import { SeededRandom } from '../../../core/test/support/seeded-random.ts';
import type { QueueHarness } from './queue-harness.ts';
import { CAMPAIGN_STEPS, type Step, QueueWorld } from './queue-world.ts';

const STEP: fc.Arbitrary<Step> = fc.record({
  kind: fc.constantFrom(...CAMPAIGN_STEPS),
  a: fc.nat({ max: 1000 }),
  b: fc.nat({ max: 1000 }),
  c: fc.nat({ max: 1000 }),
});

export function describeQueueCampaign(start: () => Promise<QueueHarness>): void {
  test('does what its model does, whatever the order of things', { timeout: 600_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(STEP, { minLength: 20, maxLength: 120 }), async (steps) => {
        await inWorld(start, async (world) => {
          for (const step of steps) await world.perform(step);
          await world.drain();
        });
      }),
      { numRuns: amount(10, 400), seed: freshSeed() },
    );
  });

  const steps = amount(100_000, 1_000_000);
  test(`S17: loses nothing and settles nothing twice in ${steps} steps`, { timeout: 7_200_000 }, async () => {
    const random = new SeededRandom(freshSeed());
    await inWorld(start, async (world) => {
      for (let index = 0; index < steps;) {
        const kind = CAMPAIGN_STEPS[random.int(CAMPAIGN_STEPS.length)]!;
        index += await world.perform({ kind, a: random.int(1000), b: random.int(1000), c: random.int(1000) });
      }
      await world.drain();
      assert.ok(world.ended > steps / 100);
      assert.deepEqual(world.endedTwice, []);
    }).catch((cause: unknown) => {
      throw new Error(`seed ${random.seed}`, { cause });
    });
  });
}

async function inWorld(start: () => Promise<QueueHarness>, action: (world: QueueWorld) => Promise<void>): Promise<void> {
  const harness = await start();
  const world = new QueueWorld(harness);
  try {
    await action(world);
  } finally {
    await world.close();
    await harness.destroy();
  }
}
