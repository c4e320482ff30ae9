/** The revocations of one process: follows a log, answers at once from memory, and gives back to the log what it has lost. */
import { type Clock, systemClock } from '../clock.ts';
import { assertConfig } from '../errors.ts';
import { assertFunction, assertKnownOptions } from '../options.ts';
import { FollowedRevocations } from './followed-revocations.ts';
import type { RevocationView } from './freshness.ts';
import type { Revocation } from './revocation.ts';
import type { LogPosition, RevocationLog } from './revocation-log.ts';
import { type Random, type Schedule, systemSchedule } from './schedule.ts';

/** Which log to follow. */
export interface RevocationsOptions {
  /** Where revocations are kept and shared. Remains its maker's to close. */
  readonly log: RevocationLog;
  /** Revocations of this process that these take the place of, made here too: what they know stays in force, whatever the log says. */
  readonly earlier?: Revocations;
  readonly clock?: Clock;
  readonly schedule?: Schedule;
  readonly random?: Random;
}

/** Counters and gauges. */
export interface RevocationStats {
  /** Revocations known here. */
  readonly entries: number;
  /** Estimated memory of them. */
  readonly bytes: number;
  /** Time since the revocations were last known to be complete: the bound on how long a revoked token may live on now. */
  readonly lagMs: number;
  /** From append to arrival, of the last entry; compares the clocks of two machines if the log is on another one. */
  readonly deliveryMs: number | undefined;
  /** Snapshots taken: above 1 after a gap, another epoch or a restart of the log. */
  readonly snapshots: number;
  /** Known here but not known to be in the log: appended again until it is. */
  readonly owed: number;
  /** Appended again with success after the log had lost them. */
  readonly repaid: number;
  /** Failures to read from or to append to the log. */
  readonly failures: number;
  readonly position: LogPosition | undefined;
}

/** Revocations in force here. */
export interface Revocations extends RevocationView {
  /**
   * Tells of each revocation that becomes known and is in force by then: from the log, its snapshots included, or revoked here. What is
   * covered by something known is no news. A listener that throws is ignored. @returns what ends the subscription
   */
  onRevocation(listener: (revocation: Revocation) => void): () => void;
  /**
   * Revokes. From this call on it is refused in this process; once the promise resolves it is durable, and on its way to all who
   * follow the log. After a rejection it is appended again until that succeeds or it expires.
   * @throws WatchwordError `config_invalid` naming the member, `revocation_unavailable`; both as a rejection
   */
  revoke(revocation: Revocation): Promise<void>;
  /**
   * Puts in force at once what another part of this process has revoked. Should it not come from the log soon, it is given to that.
   * @throws WatchwordError `config_invalid` naming the member
   */
  adopt(revocation: Revocation): void;
  /**
   * Adopts what other revocations of this process know, and what becomes known there until either are closed. Resolves when all that
   * was known there is in force here.
   * @throws WatchwordError `config_invalid` (as a rejection)
   */
  heed(other: Revocations): Promise<void>;
  /**
   * What the log may lack, to be adopted by those that begin to follow it now. Until the first snapshot that is all that is known; after
   * it, what could not be stored or was lost, and is stored later.
   */
  owed(): readonly Revocation[];
  /** Resolves once the first snapshot is in force and fresh. Before it nothing is fresh. Rejects when closed before. */
  ready(): Promise<void>;
  stats(): RevocationStats;
  /** Stops following. Nothing is fresh any more. */
  close(): void;
}

/** Starts to follow a log. @throws WatchwordError `config_invalid` */
export function createRevocations(options: RevocationsOptions): Revocations {
  assertKnownOptions(options, ['log', 'earlier', 'clock', 'schedule', 'random'], 'revocations');
  const { log, earlier, clock = systemClock, schedule = systemSchedule, random = Math.random } = options;
  assertConfig(
    typeof log?.append === 'function' && typeof log.follow === 'function',
    'revocations.log: must be a revocation log',
  );
  assertConfig(
    earlier === undefined || earlier instanceof FollowedRevocations,
    'revocations.earlier: must come from createRevocations',
  );
  assertFunction(clock, 'revocations.clock');
  return new FollowedRevocations(
    log,
    clock,
    assertFunction(schedule, 'revocations.schedule'),
    assertFunction(random, 'revocations.random'),
    earlier,
  );
}
