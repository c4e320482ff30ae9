import { describe, expect, test } from 'vitest';
import { Turns } from '../../src/keys/turns.ts';

function world() {
  const log: string[] = [];
  const turns = new Turns(() => log.push('ended'));
  const action = (name: string, gate: Promise<void> = Promise.resolve()) => {
    return async () => {
      log.push(`${name} begins`);
      await gate;
      log.push(`${name} is done`);
    };
  };
  return { log, turns, action };
}

describe('actions that take turns', () => {
  test('an action that fails tells those who share it, and lets the next one begin', async () => {
    const { log, turns, action } = world();
    // Fails before it gives back its promise: nothing of it may be left under way.
    const failing = async () => {
      throw new Error('refused');
    };
    const outcomes = [turns.share(failing), turns.share(action('unused')), turns.take(action('next'))];
    const settled = await Promise.allSettled(outcomes);
    expect(settled.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'fulfilled']);
    expect(log).toEqual(['ended', 'next begins', 'next is done', 'ended']);
    await turns.share(action('later'));
    expect(log.slice(4)).toEqual(['later begins', 'later is done', 'ended']);
  });

  test('whoever shares begins nothing; whoever takes a turn waits, also for the others who wait', async () => {
    const { log, turns, action } = world();
    const { promise: gate, resolve: open } = Promise.withResolvers<void>();
    const first = turns.share(action('first', gate));
    expect(turns.share(action('unused'))).toBe(first);
    const waiting = [turns.take(action('second')), turns.take(action('third'))];
    await Promise.resolve();
    expect(log).toEqual(['first begins']);
    open();
    await Promise.all(waiting);
    const expected = ['first', 'second', 'third'].flatMap((name) => [`${name} begins`, `${name} is done`, 'ended']);
    expect(log).toEqual(expected);
  });

  test('whoever asks when the current one has ended hears of that alone, and of no failure', async () => {
    const { turns } = world();
    await turns.current();
    const { promise, reject } = Promise.withResolvers<void>();
    const failing = turns.share(() => promise);
    const ended = turns.current();
    reject(new Error('refused'));
    await expect(ended).resolves.toBeUndefined();
    await expect(failing).rejects.toThrow('refused');
  });
});
