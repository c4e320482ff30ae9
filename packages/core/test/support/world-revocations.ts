/** Revocations in a {@link CacheWorld}: a log that can be out of reach, lose its history and outlive the process; and a plain list. */
import { setImmediate } from 'node:timers/promises';
import { WatchwordError } from '../../src/errors.ts';
import type { RevocationView } from '../../src/revocation/freshness.ts';
import { FORGET_AFTER_MS, type Revocation } from '../../src/revocation/revocation.ts';
import type {
  LogEntry,
  RevocationFollower,
  RevocationListener,
  RevocationLog,
  SnapshotPages,
} from '../../src/revocation/revocation-log.ts';
import { type Revocations, createRevocations } from '../../src/revocation/revocations.ts';
import type { Schedule } from '../../src/revocation/schedule.ts';
import type { VerifiedToken } from '../../src/verify/verified-token.ts';

/** What a world is built from. Tests of the test put in broken ones. */
export interface RevocationParts {
  /** Opens the storage, which outlives a process; again after each restart, and an empty one after a loss of everything. */
  readonly open: (surroundings: { readonly clock: () => number; readonly schedule: Schedule }, isEmpty: boolean) => RevocationLog;
  /** What the cached verifiers see of the log. */
  readonly log?: (log: RevocationLog) => RevocationLog;
  /** What the cached verifiers see of the revocations. */
  readonly view?: (revocations: Revocations, nowMs: () => number) => RevocationView;
}

export class WorldRevocations {
  /** All that this process has been told or has revoked itself: what the oracle goes by. */
  known: Revocation[] = [];
  /** What the verifiers go by. */
  view!: RevocationView;
  readonly #parts: RevocationParts;
  readonly #nowMs: () => number;
  readonly #timers = new Set<() => void>();
  readonly #pending = new Set<Promise<unknown>>();
  #revocations!: Revocations;
  #storage: RevocationLog;
  /** What is in the storage. */
  #stored: Revocation[] = [];
  #inner: RevocationFollower | undefined;
  #listener: RevocationListener | undefined;
  #heldBack: LogEntry[] | undefined;
  #frozenAtMs = -Infinity;
  #hasSnapshot = false;
  /** When expired revocations were last forgotten. */
  #prunedAtMs = 0;

  constructor(parts: RevocationParts, nowMs: () => number) {
    this.#parts = parts;
    this.#nowMs = nowMs;
    this.#storage = this.#open(true);
    this.#follow();
  }

  /** Earliest time that a clock may be set back to (`FORGET_AFTER_MS`). */
  get floorMs(): number {
    return this.#prunedAtMs - FORGET_AFTER_MS;
  }

  get isDown(): boolean {
    return this.#heldBack !== undefined;
  }

  /** The oracle: a walk over the list. */
  assertGood({ issuer, claims, header, key }: VerifiedToken, rule: { staleAfterMs: number; whenStale: string }): void {
    const nowMs = this.#nowMs();
    const isRevoked = this.known.some((one) => {
      if (one.issuer !== issuer || nowMs >= one.expiresAtMs) return false;
      if ('jti' in one) return one.jti === claims.jti;
      if ('sid' in one) return one.sid === claims.sid;
      if ('kid' in one) return one.kid === header.kid || one.kid === key.kid;
      return one.sub === claims.sub && !(claims.iat !== undefined && claims.iat >= one.issuedBefore);
    });
    if (isRevoked) throw new WatchwordError('token_revoked');
    const isFresh = Math.abs(nowMs - this.#freshAtMs()) <= rule.staleAfterMs;
    if (!isFresh && rule.whenStale === 'refuse') throw new WatchwordError('revocation_unavailable');
  }

  revokeHere(revocation: Revocation): void {
    this.known.push(revocation);
    this.#await(this.#revocations.revoke(revocation));
  }

  /** By another process, which reaches the log. */
  revokeElsewhere(revocation: Revocation): void {
    this.#await(this.#append(revocation));
  }

  /** The log is out of reach: nothing comes from it, nothing gets to it. */
  cut(): void {
    if (this.isDown) return;
    this.#frozenAtMs = this.#freshAtMs();
    this.#heldBack = [];
  }

  mend(): void {
    const held = this.#heldBack ?? [];
    this.#heldBack = undefined;
    for (const entry of held) this.#deliver(entry);
  }

  /** Expired revocations are forgotten, by everyone. */
  async prune(): Promise<void> {
    const nowMs = this.#nowMs();
    if (!(nowMs > this.#prunedAtMs && nowMs < Infinity)) return;
    this.#prunedAtMs = nowMs;
    await this.#settle();
    this.known = this.known.filter(({ expiresAtMs }) => expiresAtMs >= this.floorMs);
    this.#stored = this.#stored.filter(({ expiresAtMs }) => expiresAtMs >= this.floorMs);
  }

  /** The log goes back to a part of what it has acknowledged, as after a failover. Who follows takes a new snapshot. */
  async loseHistory(isKept: () => boolean): Promise<void> {
    await this.#settle();
    this.mend();
    const kept = this.#stored.filter(isKept);
    this.#inner?.close();
    await this.#storage.close();
    this.#storage = this.#open(true);
    this.#stored = [];
    for (const revocation of kept) await this.#append(revocation);
    this.#hasSnapshot = false;
    this.#inner = this.#storage.follow(this.#ears());
    await this.#untilTold();
  }

  /** A new process: it knows what the log holds, no more. */
  async restart(): Promise<void> {
    this.mend();
    await this.#settle();
    this.#revocations.close();
    await this.#storage.close();
    this.#timers.clear();
    this.#storage = this.#open(false);
    this.known = [...this.#stored];
    this.#follow();
    await this.ready();
  }

  async ready(): Promise<void> {
    await this.#untilTold();
    await this.#revocations.ready();
  }

  async close(): Promise<void> {
    await this.#settle();
    this.#revocations.close();
    await this.#storage.close();
  }

  #open(isEmpty: boolean): RevocationLog {
    return this.#parts.open({ clock: () => this.#prunedAtMs, schedule: this.#schedule }, isEmpty);
  }

  readonly #schedule: Schedule = (callback) => {
    const timer = (): void => callback();
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  };

  #follow(): void {
    const { log: wrap = (log) => log, view = (revocations) => revocations } = this.#parts;
    this.#hasSnapshot = false;
    const log = wrap(this.#log());
    this.#revocations = createRevocations({ log, clock: () => this.#prunedAtMs, schedule: this.#schedule, random: () => 0.5 });
    this.view = view(this.#revocations, this.#nowMs);
  }

  #log(): RevocationLog {
    return {
      append: async (revocation) => {
        if (this.isDown) throw new WatchwordError('revocation_unavailable');
        await this.#append(revocation);
      },
      follow: (listener) => {
        this.#listener = listener;
        this.#inner = this.#storage.follow(this.#ears());
        const freshAtMs = (): number => this.#freshAtMs();
        return {
          get freshAtMs() {
            return freshAtMs();
          },
          close: () => this.#inner?.close(),
        };
      },
      close: async () => {},
    };
  }

  // What comes from the storage on its way to the process.
  #ears(): RevocationListener {
    return {
      snapshot: async (pages, position) => {
        await this.#listener!.snapshot(this.#overheard(pages), position);
        this.#hasSnapshot = true;
      },
      entry: (entry) => {
        if (this.#heldBack !== undefined) this.#heldBack.push(entry);
        else this.#deliver(entry);
      },
      failed: (error) => this.#listener!.failed(error),
    };
  }

  async *#overheard(pages: SnapshotPages): SnapshotPages {
    for await (const page of pages) {
      this.known.push(...page);
      yield page;
    }
  }

  #deliver(entry: LogEntry): void {
    this.known.push(entry.revocation);
    this.#listener!.entry(entry);
  }

  #freshAtMs(): number {
    if (!this.#hasSnapshot) return -Infinity;
    return this.isDown ? this.#frozenAtMs : this.#nowMs();
  }

  async #append(revocation: Revocation): Promise<void> {
    await this.#storage.append(revocation);
    this.#stored.push(revocation);
  }

  #await(work: Promise<unknown>): void {
    const done = work.catch(() => {}).finally(() => this.#pending.delete(done));
    this.#pending.add(done);
  }

  async #settle(): Promise<void> {
    while (this.#pending.size > 0) await Promise.all(this.#pending);
    this.#fire();
    await setImmediate();
  }

  async #untilTold(): Promise<void> {
    while (!this.#hasSnapshot) {
      this.#fire();
      await setImmediate();
    }
  }

  #fire(): void {
    // Those that begin again do so next time.
    const due = [...this.#timers];
    for (const timer of due) if (this.#timers.delete(timer)) timer();
  }
}
