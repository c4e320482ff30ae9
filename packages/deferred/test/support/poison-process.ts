/** A worker whose handler is killed by a poisoned entry, as by a fault of a native library: without a word, with all it had in hand. */
import process from 'node:process';
import { createSqliteQueue, createWorker } from '../../src/index.ts';

const [path] = process.argv.slice(2) as [string];
const queue = createSqliteQueue({ path, pollMs: 5 });
createWorker({
  queue,
  open: ({ route }) => route,
  handle: async (jobs) =>
    jobs.map(async ({ request }) => {
      // Some time in which others are under way.
      await new Promise((resolve) => setTimeout(resolve, 5));
      if (request === 'poison') process.kill(process.pid, 'SIGKILL');
      return { state: 'done', status: 200 } as const;
    }),
  batch: 10,
  leaseMs: 200,
  maxAttempts: 3,
});
