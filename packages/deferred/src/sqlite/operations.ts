/** What is asked of the thread that owns the file, and what it answers. All of it can be cloned. */
import type { Acceptance, Claim, DeadLetter, EntryStatus, NewEntry, Outcome, QueueStats } from '../queue.ts';

/** Which claim of which entry. */
export interface ClaimName {
  readonly id: string;
  readonly token: string;
}

/** Questions and answers, by name. */
export interface Operations {
  accept: { readonly ask: NewEntry; readonly answer: Acceptance };
  claim: {
    readonly ask: { readonly worker: string; readonly most: number; readonly leaseMs: number };
    readonly answer: readonly Claim[];
  };
  extend: {
    readonly ask: { readonly claims: readonly ClaimName[]; readonly leaseMs: number };
    readonly answer: readonly (number | undefined)[];
  };
  settle: { readonly ask: readonly (readonly [ClaimName, Outcome])[]; readonly answer: readonly boolean[] };
  release: {
    readonly ask: readonly (ClaimName & { readonly notBeforeMs: number; readonly isUntouched: boolean })[];
    readonly answer: readonly boolean[];
  };
  status: { readonly ask: string; readonly answer: EntryStatus | undefined };
  stats: { readonly ask: undefined; readonly answer: QueueStats };
  dead: { readonly ask: { readonly after?: string; readonly limit: number }; readonly answer: readonly DeadLetter[] };
  replay: { readonly ask: readonly string[]; readonly answer: readonly string[] };
  purge: { readonly ask: readonly string[]; readonly answer: readonly string[] };
}

/** The name of an operation. */
export type OperationName = keyof Operations;

/** One question. */
export type Question = { [Name in OperationName]: { readonly name: Name; readonly ask: Operations[Name]['ask'] } }[OperationName];

/** Questions that share one transaction. */
export interface Batch {
  readonly nowMs: number;
  readonly questions: readonly Question[];
}

/** What became of a batch. When it failed, nothing of it was done. */
export type BatchAnswer = ({ readonly answers: readonly unknown[] } | { readonly failure: string }) & {
  /** The buffer that came with it, to be used again. */
  readonly spare?: ArrayBuffer | undefined;
};

/** Operations that never write. */
export const READS: ReadonlySet<OperationName> = new Set(['status', 'stats', 'dead']);
