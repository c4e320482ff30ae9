/** Registers the suite that every server adapter passes. */
import { afterAll, beforeAll, describe, it } from 'vitest';
import { ADMISSION_CHECKS } from './checks/admission.ts';
import { CONTEXT_CHECKS } from './checks/context.ts';
import { FAILURE_CHECKS } from './checks/failure.ts';
import type { Check, StartAdapter } from './contract.ts';
import { type ServerWorld, createServerWorld } from './world.ts';

/** Everything that a server adapter must do, as data. */
export const SERVER_CHECKS: readonly Check<ServerWorld>[] = [...ADMISSION_CHECKS, ...FAILURE_CHECKS, ...CONTEXT_CHECKS];

/** Registers one vitest test per check, run against a real server that `start` starts. */
export function serverConformance(name: string, start: StartAdapter): void {
  describe(`${name} conforms`, () => {
    let world: ServerWorld;
    beforeAll(async () => {
      world = await createServerWorld(start);
    });
    afterAll(() => world?.close());
    for (const check of SERVER_CHECKS) it(check.name, () => check.run(world));
  });
}
