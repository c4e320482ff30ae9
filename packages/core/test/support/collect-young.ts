/** Collections of young objects on demand: what they leave is copied by each of them, and everybody waits for that. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, vi } from 'vitest';

/** Skips a test. */
type Skip = (condition: boolean, note: string) => void;

/** A collection that comes by chance while they are in use makes objects old: of some runs one has to leave nothing. */
export const COLLECTED = { retry: 4 };

/** Notes objects that should not outlive their use. */
export class ShortLived {
  readonly #collect: () => void;
  readonly #noted: WeakRef<object>[] = [];

  private constructor(collect: () => void) {
    this.#collect = collect;
  }

  /** Skips the test where weak references count as strong ones until old objects are collected (V8 before 14). */
  static async create(skip: Skip): Promise<ShortLived> {
    setFlagsFromString('--expose-gc');
    const gc = runInNewContext('gc') as (options: { type: 'minor' }) => void;
    const control = new WeakRef({});
    // A collection does not take what the same turn has looked at.
    await new Promise((resolve) => setImmediate(resolve));
    gc({ type: 'minor' });
    skip(control.deref() !== undefined, 'collections of young objects take weak references for strong ones here');
    return new ShortLived(() => gc({ type: 'minor' }));
  }

  note(object: object): void {
    this.#noted.push(new WeakRef(object));
  }

  /** At least nine of ten are gone: the last ones may still be at work. */
  async expectGone(): Promise<void> {
    await vi.waitFor(
      () => {
        this.#collect();
        const left = this.#noted.filter((reference) => reference.deref() !== undefined).length;
        expect(left / this.#noted.length).toBeLessThan(0.1);
      },
      { timeout: 10_000 },
    );
  }
}
