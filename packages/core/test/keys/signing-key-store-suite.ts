/** What every store of signing keys does. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createSigningKeySet } from '../../src/keys/signing-key-set.ts';
import type { SigningKeyStore } from '../../src/keys/signing-key-store.ts';

/** One place where keys are kept. */
export interface StorePlace {
  /** Opens the place once more, as another instance does. */
  open(): SigningKeyStore;
  destroy(): Promise<void>;
}

export function describeSigningKeyStore(name: string, create: () => Promise<StorePlace>): void {
  describe(`a store of signing keys in ${name}`, () => {
    let place: StorePlace;
    const stores: SigningKeyStore[] = [];
    const open = (): SigningKeyStore => {
      const store = place.open();
      stores.push(store);
      return store;
    };
    beforeEach(async () => {
      place = await create();
    });
    afterEach(async () => {
      for (const store of stores.splice(0)) await store.close();
      await place.destroy();
    });

    test('is empty at first, and knows what time it is', async () => {
      const { version, content, nowMs } = await open().load();
      expect({ version, content }).toEqual({ version: undefined, content: undefined });
      expect(Math.abs(nowMs - Date.now())).toBeLessThan(2000);
    });

    test('refuses what was made of another version', async () => {
      const store = open();
      expect(await store.replace('first', 'never', Infinity)).toBe(false);
      expect((await store.load()).content).toBeUndefined();
      expect(await store.replace('first', undefined, Number.MAX_SAFE_INTEGER)).toBe(true);
      const { version } = await store.load();
      expect(await store.replace('second', undefined, Number.MAX_SAFE_INTEGER)).toBe(false);
      expect(await store.replace('second', `${version}x`, Number.MAX_SAFE_INTEGER)).toBe(false);
      expect(await store.load()).toMatchObject({ content: 'first', version });
      expect(await store.replace('second', version, Number.MAX_SAFE_INTEGER)).toBe(true);
      expect(await store.replace('third', version, Number.MAX_SAFE_INTEGER)).toBe(false);
      expect((await store.load()).content).toBe('second');
    });

    test('refuses what comes too late', async () => {
      const store = open();
      expect(await store.replace('late', undefined, Date.now() - 5000)).toBe(false);
      expect(await store.load()).toMatchObject({ content: undefined, version: undefined });
      expect(await store.replace('in time', undefined, Date.now() + 5000)).toBe(true);
    });

    test('is refused once it is closed', async () => {
      const store = open();
      await store.close();
      await expect(store.load()).rejects.toThrow();
      await expect(store.replace('x', undefined, Infinity)).rejects.toThrow();
    });

    test('gives one text a new version each time', async () => {
      const store = open();
      const versions: (string | undefined)[] = [];
      for (let round = 0; round < 5; round += 1) {
        expect(await store.replace('same ✓ text', versions.at(-1), Number.MAX_SAFE_INTEGER)).toBe(true);
        versions.push((await store.load()).version);
      }
      expect(new Set(versions).size).toBe(5);
      expect((await store.load()).content).toBe('same ✓ text');
    });

    test('lets one of many replace it', async () => {
      const all = Array.from({ length: 8 }, () => open());
      for (let round = 0; round < 10; round += 1) {
        const { version } = await all[0]!.load();
        const won = await Promise.all(
          all.map((store, index) => store.replace(`${round} of ${index}`, version, Number.MAX_SAFE_INTEGER)),
        );
        expect(won.filter(Boolean)).toHaveLength(1);
        expect((await all.at(-1)!.load()).content).toBe(`${round} of ${won.indexOf(true)}`);
      }
    });

    test('gives what one instance stored to another, and to itself after a restart', async () => {
      const sets = [open(), open()].map((store) => createSigningKeySet({ store, allowPlaintext: true, pollMs: 10 }));
      await Promise.all(sets.map((set) => set.ready()));
      await sets[0]!.rotate();
      await sets[1]!.refresh();
      expect(sets[1]!.describe()).toHaveLength(2);
      expect(sets[1]!.describe()).toEqual(sets[0]!.describe());
      await Promise.all(sets.map((set) => set.close()));
      const again = createSigningKeySet({ store: open(), allowPlaintext: true });
      await again.ready();
      expect(again.describe().map(({ kid }) => kid)).toEqual(sets[0]!.describe().map(({ kid }) => kid));
      expect(again.stats()).toMatchObject({ rotations: 0, restored: 0 });
      await again.close();
    });
  });
}
