/** Real processes that accept, claim and settle, killed in the middle of it; what they acknowledged is reconciled from their logs. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import process from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { amount } from '../../../core/test/support/campaign.ts';
import type { Queue } from '../../src/index.ts';
import { diskFolder } from './folders.ts';
import type { QueueHarness } from './queue-harness.ts';

const SCRIPT = resolve(import.meta.dirname, 'queue-process.ts');

export function describeKilledProcesses(harness: () => QueueHarness): void {
  test(
    'S17: kill -9 of those who accept and of those who work loses nothing and ends nothing twice',
    { timeout: 600_000 },
    async () => {
      const { module, argument } = harness().process;
      const folder = diskFolder();
      const logs: string[] = [];
      const start = (role: string): ChildProcess => {
        const log = join(folder, `${logs.length}.log`);
        logs.push(log);
        writeFileSync(log, '');
        return spawn(process.execPath, [SCRIPT, role, module, argument, log], { stdio: ['ignore', 'inherit', 'inherit'] });
      };
      const hearFrom = async (log: string): Promise<void> => {
        for (let turn = 0; statSync(log).size === 0; turn += 1) {
          if (turn === 1000) throw new Error('nothing was accepted in 10 s');
          await sleep(10);
        }
      };
      const rounds = amount(4, 60);
      for (let round = 0; round < rounds; round += 1) {
        const children = [start('accept'), start('work'), start('work')];
        try {
          await hearFrom(logs.at(-3)!);
          await sleep(100 + 50 * (round % 4));
        } finally {
          for (const child of children) child.kill('SIGKILL');
          await Promise.all(children.map((child) => (child.exitCode ?? child.signalCode) === null && once(child, 'close')));
        }
      }
      const last = start('drain');
      await once(last, 'close');
      expect(last.exitCode).toBe(0);

      // The last line of somebody killed may be half a line.
      const events = logs
        .flatMap((log) => readFileSync(log, 'utf8').split('\n').slice(0, -1))
        .map((line) => line.split(' ') as [string, string]);
      const idsOf = (event: string): readonly string[] => events.filter(([name]) => name === event).map(([, id]) => id);
      const accepted = idsOf('accepted');
      const ended = idsOf('ended');
      expect(accepted.length).toBeGreaterThan(10 * rounds);
      expect(new Set(ended).size).toBe(ended.length);
      expect(idsOf('left')).toEqual(['0']);
      // Who was killed may have ended entries without having said so.
      const { openQueue } = (await import(module)) as { openQueue(argument: string): Queue | Promise<Queue> };
      const queue = await openQueue(argument);
      const states = await Promise.all(accepted.map(async (id) => (await queue.status(id))?.state));
      await queue.close();
      expect(states.filter((state) => state !== 'done')).toEqual([]);
      rmSync(folder, { recursive: true });
    },
  );
}
