/** The revocations of one process: follows a log, answers at once from memory, and gives back to the log what it has lost. */
import { setImmediate } from 'node:timers';
import { type Clock, readClock, systemClock } from '../clock.ts';
import { WatchwordError, assertConfig } from '../errors.ts';
import { Listeners } from '../listeners.ts';
import { assertFunction, assertKnownOptions } from '../options.ts';
import type { VerifiedToken } from '../verify/verified-token.ts';
import type { RevocationView } from './freshness.ts';
import { Repayment } from './repayment.ts';
import { FORGET_AFTER_MS, type Revocation, readRevocation } from './revocation.ts';
import { RevocationIndex } from './revocation-index.ts';
import { inPages } from './pages.ts';
import type { LogEntry, LogPosition, RevocationFollower, RevocationLog, SnapshotPages } from './revocation-log.ts';
import { type Random, type Schedule, systemSchedule } from './schedule.ts';
import { giveVersion } from './view-version.ts';

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

const PRUNE_EVERY_MS = 60_000;

class FollowedRevocations implements Revocations {
  readonly #log: RevocationLog;
  readonly #clock: Clock;
  readonly #follower: RevocationFollower;
  readonly #repayment: Repayment;
  readonly #listeners = new Listeners<Revocation>();
  readonly #ready = Promise.withResolvers<void>();
  readonly #cancelPruning: () => void;
  /** Resolves when everything is known that the earlier ones knew. */
  readonly #takenOver: Promise<void>;
  #stopHearing = (): void => {};
  readonly #index = new RevocationIndex();
  /** Counts snapshots from their beginning. */
  #round = 0;
  #position: LogPosition | undefined;
  #deliveryMs: number | undefined;
  #snapshots = 0;
  #failures = 0;
  #isClosed = false;

  constructor(log: RevocationLog, clock: Clock, schedule: Schedule, random: Random, earlier: FollowedRevocations | undefined) {
    this.#log = log;
    this.#clock = clock;
    giveVersion(this, () => this.#index.version);
    this.#repayment = new Repayment(log, { clock, schedule, random });
    // Whoever never asks for it must not be told of it as an unhandled rejection.
    this.#ready.promise.catch(() => {});
    this.#cancelPruning = repeat(schedule, PRUNE_EVERY_MS, () => this.#index.prune(this.#clock() - FORGET_AFTER_MS));
    this.#takenOver = earlier === undefined ? Promise.resolve() : this.#takeOver(earlier);
    this.#follower = log.follow({
      snapshot: (pages, position) => this.#takeSnapshot(pages, position),
      entry: (entry) => this.#takeEntry(entry),
      failed: () => (this.#failures += 1),
    });
  }

  get freshAtMs(): number {
    return this.#isClosed ? -Infinity : this.#follower.freshAtMs;
  }

  // A function of this object alone, by which its version is found.
  readonly revokes = (token: VerifiedToken, nowMs: number): boolean => this.#index.revokes(token, nowMs);

  onRevocation(listener: (revocation: Revocation) => void): () => void {
    return this.#listeners.add(assertFunction(listener, 'revocations.onRevocation'));
  }

  async revoke(revocation: Revocation): Promise<void> {
    const checked = readRevocation(revocation);
    const isNews = this.#index.add(checked);
    // Owed until it is known to be there: a process that dies in between took an unacknowledged revocation with it, no more.
    this.#repayment.owe(checked);
    if (isNews) this.#listeners.tell(checked);
    const round = this.#round;
    try {
      await this.#log.append(checked);
      // An acknowledgement that comes while a lost history is found out may be one of the lost history.
      if (round === this.#round) this.#repayment.settle(checked);
      else this.#repayment.start();
    } catch (error) {
      this.#failures += 1;
      this.#repayment.start();
      throw error;
    }
  }

  adopt(revocation: Revocation): void {
    const checked = readRevocation(revocation);
    if (this.#isClosed || !this.#index.add(checked)) return;
    this.#repayment.owe(checked);
    this.#repayment.start();
    this.#listeners.tell(checked);
  }

  ready(): Promise<void> {
    return this.#ready.promise;
  }

  stats(): RevocationStats {
    const { owed, repaid, failures } = this.#repayment.stats();
    return {
      ...this.#index.stats(),
      lagMs: Math.max(0, readClock(this.#clock) - this.freshAtMs),
      deliveryMs: this.#deliveryMs,
      snapshots: this.#snapshots,
      owed,
      repaid,
      failures: this.#failures + failures,
      position: this.#position,
    };
  }

  close(): void {
    this.#isClosed = true;
    this.#stopHearing();
    this.#follower.close();
    this.#repayment.close();
    this.#cancelPruning();
    this.#ready.reject(new WatchwordError('revocation_unavailable', 'The revocations were closed'));
  }

  // The log may be another one, or may never have got what was revoked while it was away. News until the earlier ones are closed.
  async #takeOver(earlier: FollowedRevocations): Promise<void> {
    this.#stopHearing = earlier.onRevocation((revocation) => this.adopt(revocation));
    for await (const page of inPages(earlier.#index.revocations())) {
      if (this.#isClosed) return;
      for (const revocation of page) this.#index.add(revocation);
    }
  }

  // Nothing is taken away, so each page is in force at once, and a second index is never needed.
  async #takeSnapshot(pages: SnapshotPages, position: LogPosition): Promise<void> {
    this.#round += 1;
    for await (const page of pages) {
      if (this.#isClosed) return;
      for (const revocation of page) this.#learn(revocation);
    }
    await this.#takenOver;
    await this.#oweTheLost();
    if (this.#isClosed) return;
    this.#position = position;
    this.#snapshots += 1;
    this.#repayment.start();
    // Once the log has heard that this is done, all is fresh.
    setImmediate(() => this.#ready.resolve());
  }

  // What is known here and in force stays known, whatever the log says: acknowledged entries may be lost in a failover (D10).
  async #oweTheLost(): Promise<void> {
    for await (const page of inPages(this.#index.seen())) {
      if (this.#isClosed) return;
      const nowMs = this.#clock();
      for (const { revocation, round } of page) {
        if (round !== this.#round && !(nowMs >= revocation.expiresAtMs)) this.#repayment.owe(revocation);
      }
    }
  }

  #takeEntry({ revocation, position, appendedAtMs }: LogEntry): void {
    this.#learn(revocation);
    this.#position = position;
    this.#deliveryMs = Math.max(0, this.#clock() - appendedAtMs);
  }

  // From the log. In force first, then told.
  #learn(revocation: Revocation): void {
    const isNews = this.#index.add(revocation, this.#round);
    this.#repayment.settle(revocation);
    if (isNews) this.#listeners.tell(revocation);
  }
}

function repeat(schedule: Schedule, everyMs: number, action: () => void): () => void {
  let cancel = (): void => {};
  const plan = (): void => {
    cancel = schedule(() => {
      action();
      plan();
    }, everyMs);
  };
  plan();
  return () => cancel();
}
