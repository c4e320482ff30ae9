/** The order of expiry against a list. */
import { expect, it } from 'vitest';
import { NONE } from '../../src/cache/age-order.ts';
import { ExpiryOrder } from '../../src/cache/expiry-order.ts';
import { amount, freshSeed } from '../support/campaign.ts';
import { SeededRandom } from '../support/seeded-random.ts';

const NODES = 500;

it.each([
  ['all differ', (random: SeededRandom) => random.int(2 ** 31 - 1)],
  ['few differ', (random: SeededRandom) => random.int(4)],
  ['some never expire', (random: SeededRandom) => random.pick([5, 7.25, Infinity, 2 ** 31, 2 ** 40])],
  ['some are before all time', (random: SeededRandom) => random.pick([-Infinity, -1, 0, 1])],
  ['later and later', (_: SeededRandom, step: number) => step],
  ['earlier and earlier', (_: SeededRandom, step: number) => 1e9 - step],
])('the first one is one of those that expire first: %s', (_, secondOf) => {
  const random = new SeededRandom(freshSeed());
  const order = new ExpiryOrder();
  order.grow(NODES);
  const model = new Map<number, number>();
  for (let step = 0; step < amount(5000, 200_000); step += 1) {
    const node = random.chance(0.2) && model.size > 0 ? order.first : random.int(NODES);
    if (model.delete(node)) order.remove(node);
    else {
      const seconds = secondOf(random, step);
      order.add(node, seconds);
      model.set(node, Math.max(0, Math.ceil(seconds)));
    }
    const least = Math.min(Infinity, ...model.values());
    expect(order.firstSecond, `seed ${random.seed}`).toBe(least >= 2 ** 31 - 1 ? Infinity : least);
    if (model.size === 0) expect(order.first).toBe(NONE);
    else expect(Math.min(model.get(order.first)!, 2 ** 31 - 1), `seed ${random.seed}`).toBe(Math.min(least, 2 ** 31 - 1));
  }
});
