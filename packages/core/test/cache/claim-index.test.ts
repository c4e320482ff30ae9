/** The index by hash against a map, while heads are being added. */
import { expect, it } from 'vitest';
import { ClaimIndex } from '../../src/cache/claim-index.ts';
import { amount, freshSeed } from '../support/campaign.ts';
import { SeededRandom } from '../support/seeded-random.ts';

const NODES = 5000;

it.each([
  ['all hashes differ', (random: SeededRandom) => random.int(2 ** 32) | 0],
  ['few differ', (random: SeededRandom) => random.int(7) - 3],
  ['they end in the same bits', (random: SeededRandom) => random.int(2 ** 16) << 16],
  ['half of them are one', (random: SeededRandom) => (random.chance(0.5) ? 12_345 : random.int(2 ** 32) | 0)],
])('finds exactly what was added and not removed: %s', (_, hashOf) => {
  const random = new SeededRandom(freshSeed());
  const index = new ClaimIndex();
  index.grow(NODES);
  const model = new Map<number, number | undefined>();
  const expectSame = (hash: number): void => {
    const expected = [...model].filter(([, other]) => other === hash).map(([node]) => node);
    expect(
      index.find(hash).sort((a, b) => a - b),
      `seed ${random.seed}`,
    ).toEqual(expected.sort((a, b) => a - b));
  };
  for (let step = amount(20_000, 1_000_000); step > 0; step -= 1) {
    const node = random.int(NODES);
    if (model.has(node)) {
      index.remove(node);
      model.delete(node);
    } else {
      const hash = random.chance(0.1) ? undefined : hashOf(random);
      index.add(node, hash);
      model.set(node, hash);
    }
    if (step % 500 === 0)
      for (const hash of [hashOf(random), ...[...model.values()].slice(0, 3)]) if (hash !== undefined) expectSame(hash);
  }
  for (const node of model.keys()) index.remove(node);
  for (const hash of model.values()) if (hash !== undefined) expect(index.find(hash)).toEqual([]);
});
