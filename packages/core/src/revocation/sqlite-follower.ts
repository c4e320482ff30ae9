/** One listener's place in a revocation log of a SQLite file: the snapshot it starts from, and the entries that came since. */
import { setImmediate } from 'node:timers/promises';
import type { Revocation } from './revocation.ts';
import type { RevocationFollower, RevocationListener } from './revocation-log.ts';
import type { SqliteCursor, SqliteNews, SqlitePage, SqliteStore } from './sqlite-store.ts';

/** What a follower asks of its log. */
export interface Surroundings {
  /** The open file. @throws what node:sqlite throws */
  store(): SqliteStore;
  /** A snapshot was taken: what came meanwhile is to be read. */
  joined(): void;
  failed(error: unknown): void;
  left(): void;
}

export class SqliteFollower implements RevocationFollower {
  readonly #listener: RevocationListener;
  readonly #surroundings: Surroundings;
  #cursor: SqliteCursor | undefined;
  #freshAtMs = -Infinity;
  #isJoining = false;
  #isBehind = false;
  #isClosed = false;

  constructor(listener: RevocationListener, surroundings: Surroundings) {
    this.#listener = listener;
    this.#surroundings = surroundings;
  }

  get freshAtMs(): number {
    return this.#freshAtMs;
  }

  /** Whether entries were left for another turn of the event loop. */
  get isBehind(): boolean {
    return this.#isBehind;
  }

  /** Hands on what came since the last time; without a place in the log yet, or any more, it takes a snapshot first. */
  catchUp(store: SqliteStore, isNews: boolean, nowMs: number): void {
    if (this.#isJoining || this.#isClosed) return;
    if (!isNews && !this.#isBehind && this.#cursor !== undefined) {
      this.#freshAtMs = nowMs;
      return;
    }
    const news = this.#cursor && store.read(this.#cursor);
    if (news === undefined) void this.#join(nowMs);
    else this.#take(news, nowMs);
  }

  fail(error: unknown): void {
    this.#listener.failed(error);
  }

  close(): void {
    this.#isClosed = true;
    this.#freshAtMs = -Infinity;
    this.#surroundings.left();
  }

  #take({ cursor, entries, isAll }: SqliteNews, nowMs: number): void {
    this.#cursor = cursor;
    this.#isBehind = !isAll;
    for (const entry of entries) if (!this.#isClosed) this.#listener.entry(entry);
    if (isAll && !this.#isClosed) this.#freshAtMs = nowMs;
  }

  async #join(nowMs: number): Promise<void> {
    this.#isJoining = true;
    this.#isBehind = false;
    this.#cursor = undefined;
    let failure: { readonly error: unknown } | undefined;
    try {
      const head = this.#surroundings.store().head();
      await this.#listener.snapshot(this.#pages(head), { epoch: head.epoch, sequence: head.sequence });
      this.#cursor = head;
    } catch (error) {
      failure = { error };
    }
    this.#isJoining = false;
    if (this.#isClosed) return;
    if (failure !== undefined) {
      this.#surroundings.failed(failure.error);
      return;
    }
    // As of the question. What came meanwhile makes it current.
    this.#freshAtMs = nowMs;
    this.#surroundings.joined();
  }

  // Entries leave the file when they have expired, and only their end grows: pages of different moments make up a whole.
  async *#pages(head: SqliteCursor): AsyncGenerator<readonly Revocation[], void> {
    for (let from: number | undefined = 0; from !== undefined && !this.#isClosed;) {
      const { revocations, next }: SqlitePage = this.#surroundings.store().page(from, head);
      yield revocations;
      if (next !== undefined) await setImmediate();
      from = next;
    }
  }
}
