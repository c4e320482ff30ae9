/** A ledger of spent one-time tokens for one process: what it knows, a restart forgets. */
import { type Clock, type SpentTokens, WatchwordError } from '@watchword/core';

/** Notes kept; more assertions than that in an hour are refused with 503. */
const MAX_NOTES = 1_000_000;
const SWEEP_EVERY = 1000;

/** Builds a ledger. */
export function createMemoryLedger(clock: Clock): SpentTokens {
  const notes = new Map<string, number>();
  let spent = 0;
  return {
    async spend(id, keepUntilMs) {
      if (notes.has(id)) return false;
      spent += 1;
      if (spent % SWEEP_EVERY === 0 || notes.size >= MAX_NOTES) sweep(notes, clock());
      if (notes.size >= MAX_NOTES) throw new WatchwordError('replay_unavailable');
      notes.set(id, keepUntilMs);
      return true;
    },
    async close() {
      notes.clear();
    },
  };
}

function sweep(notes: Map<string, number>, nowMs: number): void {
  for (const [id, keepUntilMs] of notes) if (keepUntilMs <= nowMs) notes.delete(id);
}
