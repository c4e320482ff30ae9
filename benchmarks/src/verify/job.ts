/** What the parent asks of a contender's process, and what it answers. */
import type { RefusedToken } from '../tokens/refused-tokens.ts';
import type { ContenderId } from './contenders.ts';
import type { Policy } from './contender.ts';
import type { Lap } from './stopwatch.ts';

/** Everything that a process needs to take part. Asked as `prepare`; the answer is a {@link Prepared}. */
export interface Job {
  readonly contender: ContenderId;
  readonly policy: Policy;
  /** File of the good tokens: those of `user-0`, `user-1`, ... */
  readonly tokenFile: string;
  readonly refused: readonly RefusedToken[];
  /** How long one pass should last. */
  readonly lapMs: number;
  /** Calls before the first pass that counts. */
  readonly warmUpCalls: number;
}

/** A process that is checked, warm and ready. */
export interface Prepared {
  /** The calls that are measured. */
  readonly calls: readonly string[];
  readonly meanTokenBytes: number;
}

/** One round, asked as `round`; the answer holds a {@link RoundResult} for each call. */
export interface Round {
  /** Which tokens, in which order: the same for everybody. */
  readonly seed: number;
}

/** One call in one round. */
export interface RoundResult {
  readonly call: string;
  /** The whole pass: making the strings and verifying them. */
  readonly whole: Lap;
  /** The same pass without verifying. Zero for the floor, which uses no strings. */
  readonly strings: Lap;
}
