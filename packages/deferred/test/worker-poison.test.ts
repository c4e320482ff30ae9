import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import process from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { createSqliteQueue } from '../src/index.ts';
import { fastFolder } from './support/folders.ts';
import { entryOf } from './support/queue-harness.ts';

test('S17: messages that kill their worker end as dead letters, and no other message does', { timeout: 120_000 }, async () => {
  const folder = fastFolder();
  const path = join(folder, 'queue.db');
  const queue = createSqliteQueue({ path });
  const nowMs = Date.now();
  const times = { acceptedAtMs: nowMs, runBeforeMs: nowMs + 3_600_000 };
  const entries = Array.from({ length: 40 }, (_, index) => entryOf({ ...times, route: index % 20 === 3 ? 'poison' : 'orders' }));
  for (const entry of entries) await queue.accept(entry);

  let crashes = 0;
  const deadline = performance.now() + 100_000;
  while ((await queue.stats()).depth > 0 && performance.now() < deadline) {
    const child = spawn(process.execPath, [resolve(import.meta.dirname, 'support/poison-process.ts'), path], {
      stdio: 'inherit',
    });
    const ended = once(child, 'close');
    while (child.exitCode === null && child.signalCode === null && (await queue.stats()).depth > 0) await sleep(20);
    if ((await queue.stats()).depth > 0) crashes += 1;
    child.kill('SIGKILL');
    await ended;
  }

  for (const { id, route } of entries) expect((await queue.status(id))?.state).toBe(route === 'poison' ? 'dead' : 'done');
  expect(crashes).toBeGreaterThanOrEqual(4);
  expect(crashes).toBeLessThanOrEqual(8);
  expect((await queue.dead({ limit: 10 })).map(({ reason }) => reason)).toEqual(['attempts_exhausted', 'attempts_exhausted']);
  await queue.close();
  rmSync(folder, { recursive: true });
});
