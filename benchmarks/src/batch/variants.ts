/** What `npm run bench:batch` compares. */

/** The ways to verify many tokens. */
export const VARIANTS = ['one by one', 'duplicates', 'all cores', 'together'] as const;

/** One of them. */
export type Variant = (typeof VARIANTS)[number];

/** What a process is told before its first turn. */
export interface Preparation {
  readonly variant: Variant;
  readonly tokenFile: string;
}

/** All tokens once. */
export interface Turn {
  readonly tokensPerSecond: number;
  /** Longest time in which the event loop could do nothing else. */
  readonly pauseMs: number;
  /** Of such a time, what this thread has worked: on a busy machine others take the rest. */
  readonly workMs: number;
  /** Processor time for one token, of all threads, in microseconds. */
  readonly cpuUs: number;
  /** Of it, that of the thread which asked. */
  readonly mainUs: number;
}

/** All turns of each. */
export type Turns = Readonly<Record<Variant, readonly Turn[]>>;
