/** What is in force by a log that is followed: snapshots and entries come in, and what the log has lost is owed to it. */
import { setImmediate } from 'node:timers';
import { type Clock, readClock } from '../clock.ts';
import { WatchwordError, assertConfig } from '../errors.ts';
import { Listeners } from '../listeners.ts';
import { assertFunction } from '../options.ts';
import type { VerifiedToken } from '../verify/verified-token.ts';
import { Repayment } from './repayment.ts';
import { FORGET_AFTER_MS, type Revocation, readRevocation } from './revocation.ts';
import { RevocationIndex } from './revocation-index.ts';
import { inPages } from './pages.ts';
import type { LogEntry, LogPosition, RevocationFollower, RevocationLog, SnapshotPages } from './revocation-log.ts';
import type { RevocationStats, Revocations } from './revocations.ts';
import { type Random, type Schedule, repeat } from './schedule.ts';
import { giveVersion } from './view-version.ts';

const PRUNE_EVERY_MS = 60_000;

/** Follows a log from its making on. */
export class FollowedRevocations implements Revocations {
  readonly #log: RevocationLog;
  readonly #clock: Clock;
  readonly #follower: RevocationFollower;
  readonly #repayment: Repayment;
  readonly #listeners = new Listeners<Revocation>();
  readonly #ready = Promise.withResolvers<void>();
  readonly #cancelPruning: () => void;
  /** Resolves when everything is known that the earlier ones knew. */
  readonly #takenOver: Promise<void>;
  /** Those that are heard of, as long as somebody else needs them. */
  readonly #heeded = new WeakSet<FollowedRevocations>();
  readonly #stopsHearing: (() => void)[] = [];
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
    this.#takenOver = earlier === undefined ? Promise.resolve() : this.#takeOver(earlier, (known) => this.#index.add(known));
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

  async heed(other: Revocations): Promise<void> {
    assertConfig(other instanceof FollowedRevocations, 'revocations.heed: must come from createRevocations');
    if (other === this || this.#isClosed || this.#heeded.has(other)) return;
    await this.#takeOver(other, (known) => this.adopt(known));
  }

  owed(): readonly Revocation[] {
    // What was taken over from others is compared with the log at the first snapshot.
    return this.#snapshots === 0 ? [...this.#index.revocations()] : this.#repayment.owed();
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
    for (const stop of this.#stopsHearing.splice(0)) stop();
    this.#follower.close();
    this.#repayment.close();
    this.#cancelPruning();
    this.#ready.reject(new WatchwordError('revocation_unavailable', 'The revocations were closed'));
  }

  // The log may be another one, or may never have got what was revoked while it was away. News until one of both is closed.
  async #takeOver(other: FollowedRevocations, take: (known: Revocation) => void): Promise<void> {
    this.#heeded.add(other);
    this.#stopsHearing.push(other.onRevocation((revocation) => this.adopt(revocation)));
    for await (const page of inPages(other.#index.revocations())) {
      if (this.#isClosed) return;
      for (const revocation of page) take(revocation);
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
