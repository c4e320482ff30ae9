/** Registers the suite that every carrier of messages passes. */
import { afterAll, beforeAll, describe, it } from 'vitest';
import { MESSAGING_CHECKS } from './messaging/checks.ts';
import type { StartMessaging } from './messaging/contract.ts';
import { type MessagingWorld, createMessagingWorld } from './messaging/world.ts';

/**
 * Registers one vitest test per check, run against a real broker with the consumer and producer that `start` starts.
 * @param missing why the broker is not there: the suite then skips, by this name
 */
export function messagingConformance(name: string, start: StartMessaging, missing?: string): void {
  describe.skipIf(missing !== undefined)(`${name} conforms${missing === undefined ? '' : ` (${missing})`}`, () => {
    let world: MessagingWorld;
    beforeAll(async () => {
      world = await createMessagingWorld(start);
    }, 120_000);
    afterAll(() => world?.close());
    for (const check of MESSAGING_CHECKS) it(check.name, () => check.run(world), 60_000);
  });
}
