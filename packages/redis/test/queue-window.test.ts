/** The bounded number of questions that a queue in Redis has under way. */
import { expect, test } from 'vitest';
import { Window } from '../src/queue/window.ts';

test('is idle for everybody who waits for that, again and again', async () => {
  const window = new Window();
  for (let round = 0; round < 2; round += 1) {
    const work = Promise.withResolvers<string>();
    const done = window.run(1, () => work.promise);
    const idle = Promise.all([window.idle(), window.idle()]);
    let isIdle = false;
    const told = idle.then(() => (isIdle = true));
    await new Promise((resolve) => setImmediate(resolve));
    expect(isIdle).toBe(false);
    work.resolve('done');
    expect(await done).toBe('done');
    await told;
  }
  await window.idle();
});
