/** Registers the suite that every outgoing client passes. */
import { afterAll, beforeAll, describe, it } from 'vitest';
import { OUTGOING_CHECKS, type OutgoingWorld, createOutgoingWorld } from './checks/outgoing.ts';
import type { CreateClient, DownstreamProtocol } from './contract.ts';

/**
 * Registers one vitest test per check, run against real servers with the client that `createClient` makes.
 * @param protocol what the client speaks
 */
export function outgoingConformance(name: string, createClient: CreateClient, protocol?: DownstreamProtocol): void {
  describe(`${name} conforms`, () => {
    let world: OutgoingWorld;
    beforeAll(async () => {
      world = await createOutgoingWorld(createClient, protocol);
    });
    afterAll(() => world?.close());
    for (const check of OUTGOING_CHECKS) it(check.name, () => check.run(world));
  });
}
