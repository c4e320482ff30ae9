/** Registers the suite that every outgoing client passes. */
import { afterAll, beforeAll, describe, it } from 'vitest';
import { OUTGOING_CHECKS, type OutgoingWorld, createOutgoingWorld } from './checks/outgoing.ts';
import type { CreateClient } from './contract.ts';

/** Registers one vitest test per check, run against real servers with the client that `createClient` makes. */
export function outgoingConformance(name: string, createClient: CreateClient): void {
  describe(`${name} conforms`, () => {
    let world: OutgoingWorld;
    beforeAll(async () => {
      world = await createOutgoingWorld(createClient);
    });
    afterAll(() => world?.close());
    for (const check of OUTGOING_CHECKS) it(check.name, () => check.run(world));
  });
}
