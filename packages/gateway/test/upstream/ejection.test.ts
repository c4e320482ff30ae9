import { describe, expect, test } from 'vitest';
import { Balancer } from '../../src/upstream/balancer.ts';
import { Member } from '../../src/upstream/member.ts';
import type { Target } from '../../src/upstream/target.ts';

const CONFIG = { failures: 3, baseMs: 1000, maxMs: 8000, maxPercent: 50 };

interface World {
  readonly balancer: Balancer;
  readonly members: readonly Member[];
  readonly ejections: [target: number, forMs: number][];
  nowMs: number;
  random: number;
}

function createWorld(count: number, config: Partial<typeof CONFIG> = {}, capacity = 10): World {
  const complete = { ...CONFIG, ...config };
  const target = { capacity, hasTrailers: false } as Target;
  const members = Array.from({ length: count }, (_, index) => new Member(index, target, complete, () => world.random));
  const ejections: World['ejections'] = [];
  const balancer = new Balancer(members, complete, {
    now: () => world.nowMs,
    random: () => world.random,
    onEjected: (member, forMs) => void ejections.push([member.index, forMs]),
  });
  const world: World = { balancer, members, ejections, nowMs: 0, random: 0 };
  return world;
}

function fail(world: World, index: number, times = CONFIG.failures): void {
  for (let time = 0; time < times; time += 1) world.balancer.failed(world.members[index]!);
}

describe('a target that fails', () => {
  test('is left alone after so many failures in a row, not before', () => {
    const world = createWorld(2);
    fail(world, 0, 2);
    world.balancer.succeeded(world.members[0]!);
    fail(world, 0, 2);
    expect(world.ejections).toEqual([]);
    fail(world, 0, 1);
    expect(world.ejections).toEqual([[0, 500]]);
    expect([0, 0.4, 0.99].map((random) => ((world.random = random), world.balancer.choose().index))).toEqual([1, 1, 1]);
  });

  test('comes back, and is out again for twice as long at its next failure; a good answer forgives all', () => {
    const world = createWorld(2);
    world.random = 0.999999;
    const times: number[] = [];
    fail(world, 0);
    for (let round = 0; round < 5; round += 1) {
      const forMs = world.ejections.at(-1)![1];
      times.push(forMs);
      world.nowMs += forMs - 1;
      expect(world.members[0]!.isUp(world.nowMs)).toBe(false);
      world.nowMs += 1;
      expect(world.members[0]!.isUp(world.nowMs)).toBe(true);
      fail(world, 0, 1);
    }
    expect(times).toEqual([1000, 2000, 4000, 8000, 8000]);
    world.nowMs += 8000;
    world.balancer.succeeded(world.members[0]!);
    fail(world, 0, 2);
    expect(world.ejections).toHaveLength(6);
    fail(world, 0, 1);
    expect(world.ejections.at(-1)).toEqual([0, 1000]);
  });

  test('does not come back with the others: times are spread over half of their length', () => {
    const world = createWorld(4);
    fail(world, 0);
    world.random = 0.9;
    fail(world, 1);
    expect(world.ejections).toEqual([
      [0, 500],
      [1, 950],
    ]);
  });

  test('stays when it is the only one, or too many are out', () => {
    const alone = createWorld(1, { maxPercent: 100 });
    fail(alone, 0, 100);
    expect(alone.ejections).toEqual([]);
    const four = createWorld(4);
    for (const index of [0, 1, 2, 3]) fail(four, index);
    expect(four.ejections.map(([index]) => index)).toEqual([0, 1]);
    const all = createWorld(3, { maxPercent: 100 });
    for (const index of [0, 1, 2]) fail(all, index);
    expect(all.ejections.map(([index]) => index)).toEqual([0, 1]);
    const never = createWorld(4, { failures: 0 });
    fail(never, 0, 100);
    expect(never.ejections).toEqual([]);
  });
});

describe('the choice', () => {
  test('is the target with the fewest requests; among equals it is fair', () => {
    const world = createWorld(3);
    const counts = [0, 0, 0];
    for (let time = 0; time < 300; time += 1) {
      world.random = (time % 30) / 30;
      counts[world.balancer.choose().index]! += 1;
    }
    expect(counts).toEqual([100, 100, 100]);
    world.members[0]!.inFlight = 2;
    world.members[1]!.inFlight = 1;
    world.members[2]!.inFlight = 3;
    for (const random of [0, 0.4, 0.8]) {
      world.random = random;
      expect(world.balancer.choose().index).toBe(1);
    }
  });

  test('is not one that has just failed, unless there is no other', () => {
    const world = createWorld(2);
    world.members[1]!.inFlight = 9;
    expect(world.balancer.choose(world.members[0]).index).toBe(1);
    expect(createWorld(1).balancer.choose(undefined).index).toBe(0);
  });

  test('is not one that is full while another has room', () => {
    const world = createWorld(2);
    Object.assign(world.members[0]!, { target: { capacity: 1 } });
    world.members[0]!.inFlight = 1;
    world.members[1]!.inFlight = 5;
    expect(world.balancer.choose().index).toBe(1);
  });

  test('is any of them when none is well: a refusal would be wrong for sure', () => {
    const world = createWorld(2);
    for (const member of world.members) member.healthy = false;
    expect([0, 0.9].map((random) => ((world.random = random), world.balancer.choose().index))).toEqual([0, 1]);
    expect(world.balancer.capacity).toBe(20);
    world.members[0]!.healthy = true;
    expect(world.balancer.capacity).toBe(10);
  });
});
