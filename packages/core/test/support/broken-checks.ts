/** Memories of signature checks, shared by several verifiers: proper ones, and ones with defects built in on purpose. */
import { createKnownBadMemory } from '../../src/cache/known-bad.ts';
import { createSharedChecks } from '../../src/cache/shared-checks.ts';
import { type SharedTable, createSharedTable, openSharedTable } from '../../src/cache/shared-table.ts';
import { type SignatureChecks, inlineChecks } from '../../src/jws/signature-checks.ts';
import type { WorldParts } from './cache-world.ts';

/** Verifiers for each policy, all looking into one table, which is new after a restart; each with a memory of junk of its own. */
export const SHARING: Partial<WorldParts> = { threads: 3, checks: () => overTable(createSharedTable({ entries: 64 })) };

/** By the defect: hole and what is wrong. */
export const BROKEN_CHECKS: Readonly<Record<string, Partial<WorldParts>>> = {
  'D7: a shared table that ignores the key id': sharing((table) => ({
    has: (token, _, nowMs) => table.has(token, 'any key', nowMs),
    store: (token, _, ...rest) => table.store(token, 'any key', ...rest),
  })),
  'D1: a shared table keyed by a prefix of the token': sharing((table) => ({
    has: (token, ...rest) => table.has(token.slice(0, -20), ...rest),
    store: (token, ...rest) => table.store(token.slice(0, -20), ...rest),
  })),
  'D1: a shared table keyed without the signature': sharing((table) => ({
    has: (token, ...rest) => table.has(token.slice(0, token.lastIndexOf('.')), ...rest),
    store: (token, ...rest) => table.store(token.slice(0, token.lastIndexOf('.')), ...rest),
  })),
  'D8: a memory of junk that ignores the key': { threads: 3, checks: () => () => refusingForEver() },
};

function overTable(table: SharedTable): () => SignatureChecks {
  // Each verifier opens it, as each thread does.
  return () => createKnownBadMemory({ checks: createSharedChecks(openSharedTable(table.handle)), maxEntries: 8 });
}

function sharing(change: (table: SharedTable) => Pick<SharedTable, 'has' | 'store'>): Partial<WorldParts> {
  return {
    threads: 3,
    checks: () => {
      const table = createSharedTable({ entries: 64 });
      return () => createSharedChecks({ ...bound(table), ...change(table) });
    },
  };
}

function bound(table: SharedTable): SharedTable {
  return {
    handle: table.handle,
    capacity: table.capacity,
    era: () => table.era(),
    has: (...facts) => table.has(...facts),
    store: (...facts) => table.store(...facts),
    bumpKeys: () => table.bumpKeys(),
    bumpRevocations: () => table.bumpRevocations(),
    stats: () => table.stats(),
  };
}

function refusingForEver(): SignatureChecks {
  const bad = new Set<string>();
  return {
    check(token, key, nowMs) {
      if (bad.has(token.compact)) return false;
      const answer = inlineChecks.check(token, key, nowMs);
      if (answer === false) bad.add(token.compact);
      return answer;
    },
  };
}
