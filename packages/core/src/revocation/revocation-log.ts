/** The contract of every revocation log. `packages/core/test/revocation/log-suite.ts` is its test; each implementation passes it. */
import type { Revocation } from './revocation.ts';

/** Where in the history something stands. Positions compare only within one epoch, and epochs only for equality. */
export interface LogPosition {
  /** Changes when history was lost or rewritten, as by a failover: whoever follows takes a new snapshot. */
  readonly epoch: string;
  /** Grows with each entry. */
  readonly sequence: number;
}

/** One revocation in the log. */
export interface LogEntry {
  readonly revocation: Revocation;
  readonly position: LogPosition;
  /** When it was appended, in Unix milliseconds, by the clock of the log. */
  readonly appendedAtMs: number;
}

/** A million revocations, a page at a time: taking them at once would stop the event loop for seconds. */
export type SnapshotPages = AsyncIterable<readonly Revocation[]>;

/** Is told what the log holds. Must not throw. */
export interface RevocationListener {
  /**
   * Everything in force at a position. Comes first, and again whenever a gap or another epoch was found. A page may repeat what
   * another one held, and hold what was appended meanwhile. Until the promise settles nothing else is told, entries wait in their
   * order, and nothing becomes fresh. Rejects with whatever the pages throw, and then with `failed` it is all begun again.
   */
  snapshot(pages: SnapshotPages, position: LogPosition): Promise<void>;
  /** The next entry, in order, with nothing left out since the snapshot or the entry before. */
  entry(entry: LogEntry): void;
  /** The log can't be read now. It is tried again, with back-off, until `close`. */
  failed(error: unknown): void;
}

/** One who follows. */
export interface RevocationFollower {
  /** Last moment, by the follower's clock, of which is known that nothing appended before is missing. -Infinity: none yet. */
  readonly freshAtMs: number;
  close(): void;
}

/** An append-only log, shared by all who are to refuse the same tokens. Entries leave it only after they expire. */
export interface RevocationLog {
  /**
   * Resolves once the revocation is durable. Appending what is there already changes nothing.
   * @throws WatchwordError (as a rejection) `revocation_unavailable`; the entry may be there nevertheless
   */
  append(revocation: Revocation): Promise<void>;
  /** Starts to follow. The first snapshot comes later, never from within this call. */
  follow(listener: RevocationListener): RevocationFollower;
  /** Ends all followers, waits for appends under way, and gives back what is open. */
  close(): Promise<void>;
}
