/** Instances that share signing keys in a world where whatever can go wrong does: each on a clock of its own. */
import { createMemorySigningKeyStore } from '../../src/keys/memory-signing-keys.ts';
import type { SigningKeySet } from '../../src/keys/signing-key-set.ts';
import type { SigningKeyStore, StoredKeySet } from '../../src/keys/signing-key-store.ts';
import type { ManualSchedule } from '../revocation/manual-schedule.ts';
import type { SeededRandom } from '../support/seeded-random.ts';
import { POLICY, startSet } from './signing-key-world.ts';

/** How often an instance looks at the store. */
export const POLL_MS = 20_000;

/** One key as the store first held it. */
export interface StoredKey {
  readonly kid: string;
  readonly publishedAtMs: number;
  readonly activatesAtMs: number;
  readonly endsAtMs: number;
  /** World time. */
  readonly storedAtMs: number;
}

interface Stored {
  readonly rotations: number;
  readonly keys: readonly StoredKey[];
  readonly withdrawn: readonly { readonly kid: string }[];
}

/** The store, and what an observer of it has seen. */
export class ObservedStore {
  readonly keys = new Map<string, StoredKey>();
  /** Keys that sign at once though another one could still sign. */
  readonly hasty: string[] = [];
  /** Keys that somebody has taken away. */
  readonly withdrawn = new Set<string>();
  /** World time at which the store heard of it. */
  readonly withdrawnAtMs = new Map<string, number>();
  /** Those of them that came back into the store. */
  readonly revived: string[] = [];
  rotations = 0;
  #store: SigningKeyStore;
  readonly #time: ManualSchedule;
  #earlier: string[] = [];

  constructor(time: ManualSchedule) {
    this.#time = time;
    this.#store = createMemorySigningKeyStore({ clock: time.clock });
  }

  load(): Promise<StoredKeySet> {
    return this.#store.load();
  }

  async replace(content: string, version: string | undefined, notAfterMs: number, writerMs: number): Promise<boolean> {
    const before = (await this.load()).content;
    if (!(await this.#store.replace(content, version, notAfterMs))) return false;
    if (before !== undefined) this.#earlier = [...this.#earlier, before].slice(-2);
    const { rotations, keys, withdrawn } = JSON.parse(content) as Stored;
    this.rotations = rotations;
    for (const { kid } of withdrawn) this.#withdraw(kid);
    for (const key of keys) if (!this.keys.has(key.kid)) this.#note(key, before, writerMs);
    for (const { kid } of keys) if (this.withdrawn.has(kid)) this.revived.push(kid);
    return true;
  }

  /** Goes back to what it held before, as a failover does. @returns whether there was anything */
  async loseLast(): Promise<boolean> {
    const content = this.#earlier.at(-1);
    if (content === undefined) return false;
    this.#earlier = [];
    this.#store = createMemorySigningKeyStore({ clock: this.#time.clock });
    return this.#store.replace(content, undefined, Infinity);
  }

  #withdraw(kid: string): void {
    if (!this.withdrawn.has(kid)) this.withdrawnAtMs.set(kid, this.#time.nowMs);
    this.withdrawn.add(kid);
  }

  #note(key: StoredKey, before: string | undefined, writerMs: number): void {
    this.keys.set(key.kid, { ...key, storedAtMs: this.#time.nowMs });
    if (key.activatesAtMs !== key.publishedAtMs || before === undefined) return;
    const { keys } = JSON.parse(before) as Stored;
    const others = keys.filter(({ kid, endsAtMs }) => writerMs < endsAtMs && !this.withdrawn.has(kid));
    // In the place of a key that was withdrawn only one can sign that may already do so.
    const wasWithdrawn = keys.some(({ kid }) => this.withdrawn.has(kid));
    if (others.some(({ activatesAtMs }) => !wasWithdrawn || activatesAtMs <= writerMs)) this.hasty.push(key.kid);
  }
}

/** One instance: a process with a clock, a connection, and bad luck. */
export class Instance {
  readonly set: SigningKeySet;
  /** World time of the last look at the store that worked. */
  readAtMs = -Infinity;
  offsetMs: number;
  isCutOff = false;
  /** The next write is done, but nobody hears of it. */
  losesAnswer = false;
  readonly #time: ManualSchedule;
  /** It is stopped just before its next write. */
  stallsAtWrite = false;
  #stalled: (() => void)[] | undefined;

  constructor(store: ObservedStore, time: ManualSchedule, random: SeededRandom) {
    this.#time = time;
    this.offsetMs = random.between(-9000, 9000);
    this.set = startSet(this.#connect(store), time, {
      pollMs: POLL_MS,
      clock: () => this.nowMs,
      schedule: (callback, delayMs) =>
        time.schedule(() => (this.#stalled === undefined ? callback() : void this.#stalled.push(callback)), delayMs),
    });
    void this.set.refresh().catch(() => {});
  }

  get nowMs(): number {
    return this.#time.nowMs + this.offsetMs;
  }

  get isStalled(): boolean {
    return this.#stalled !== undefined;
  }

  /** SIGSTOP. */
  stall(): void {
    this.#stalled ??= [];
  }

  /** SIGCONT. */
  resume(): void {
    const late = this.#stalled ?? [];
    this.#stalled = undefined;
    for (const callback of late) callback();
  }

  #stallOnce(): Promise<void> {
    this.stallsAtWrite = false;
    this.stall();
    return new Promise((resolve) => this.#stalled!.push(resolve));
  }

  #connect(store: ObservedStore): SigningKeyStore {
    const assertThere = (): void => {
      if (this.isCutOff) throw new Error('cut off');
    };
    return {
      isRemote: false,
      load: async () => {
        assertThere();
        const stored = await store.load();
        this.readAtMs = this.#time.nowMs;
        return stored;
      },
      replace: async (content, version, notAfterMs) => {
        assertThere();
        if (this.stallsAtWrite) await this.#stallOnce();
        // Others may have been faster, or it may be too late.
        const done = await store.replace(content, version, notAfterMs, this.nowMs);
        if (this.losesAnswer) {
          this.losesAnswer = false;
          throw new Error('no answer');
        }
        return done;
      },
      close: async () => {},
    };
  }
}

/** How long after it was stored a key may sign at the soonest: the period of publication, less what a write and clocks take. */
export const SOONEST_MS: number = POLICY.publishAheadMs - POLICY.toleranceMs - 5000;
