/** What successive configurations have in common: kept while one of them needs it, given back after the last one. */

/** Gives what stands under `key`, or makes it. Objects in the key that are more than data are told apart by identity, everything else by its JSON. */
export type Take = <Value extends object>(
  key: readonly unknown[],
  make: () => Value,
  giveBack?: (value: Value) => void | Promise<void>,
) => Value;

/** What one configuration uses of a shelf. */
export interface Lease {
  readonly take: Take;
  /** Ends the use of everything that was taken. What nobody else uses is given back, last made first. Idempotent. */
  release(): Promise<void>;
}

interface Item {
  readonly value: object;
  readonly giveBack: (value: never) => void | Promise<void>;
  users: number;
}

/** The things of one gateway, or of one thread of it. */
export class Shelf {
  readonly #items = new Map<string, Item>();
  readonly #identities = new WeakMap<object, number>();
  #count = 0;

  /** How many things are in use. */
  get size(): number {
    return this.#items.size;
  }

  lease(): Lease {
    const taken = new Map<string, Item>();
    return {
      take: (key, make, giveBack = () => {}) => {
        const name = JSON.stringify(key.map((part) => this.#nameOf(part)));
        const item: Item = this.#items.get(name) ?? { value: make(), giveBack, users: 0 };
        this.#items.set(name, item);
        if (!taken.has(name)) item.users += 1;
        taken.set(name, item);
        return item.value as ReturnType<typeof make>;
      },
      release: async () => {
        const items = [...taken].toReversed();
        taken.clear();
        for (const [name, item] of items) {
          item.users -= 1;
          if (item.users > 0) continue;
          this.#items.delete(name);
          await giveBackQuietly(item);
        }
      },
    };
  }

  #nameOf(part: unknown): unknown {
    if (!hasIdentity(part)) return part ?? null;
    let identity = this.#identities.get(part);
    if (identity === undefined) this.#identities.set(part, (identity = this.#count += 1));
    return { identity };
  }
}

// What has methods is more than its JSON, which leaves them out.
function hasIdentity(part: unknown): part is object {
  if (typeof part === 'function') return true;
  if (part === null || typeof part !== 'object' || Array.isArray(part)) return false;
  return Object.getPrototypeOf(part) !== Object.prototype || Object.values(part).some((value) => typeof value === 'function');
}

// One that is closed already, or cannot be, must not keep the others open.
async function giveBackQuietly({ value, giveBack }: Item): Promise<void> {
  try {
    await giveBack(value as never);
  } catch {}
}

/** For what is built once: nothing is shared. */
export const takeNew: Take = (_key, make) => make();
