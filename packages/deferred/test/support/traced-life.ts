/** A process with a queue and a life; tells on standard error what was acknowledged, once it was. */
import { writeSync } from 'node:fs';
import process from 'node:process';
import type { Claim } from '../../src/index.ts';
import { openQueue } from './sqlite-open.ts';
import { entryOf } from './queue-harness.ts';

const [path, rounds] = process.argv.slice(2) as [string, string];
const queue = openQueue(path);
const tell = (event: string, ids: readonly string[]): void => void writeSync(2, `${event} ${ids.join(' ')}\n`);
let claims: readonly Claim[] = [];

await queue.stats();
for (let round = 0; round < Number(rounds); round += 1) {
  const nowMs = Date.now();
  const of = { acceptedAtMs: nowMs, runBeforeMs: nowMs + 3_600_000 };
  const entries = Array.from({ length: 1 + (round % 7) }, (_, index) =>
    entryOf({ ...of, payload: Buffer.alloc(700 * index + 50, round) }),
  );
  tell(
    'offered',
    entries.map(({ id }) => id),
  );
  const accepting = Promise.all(entries.map((entry) => queue.accept(entry)));
  const ending = queue.settle(claims.map((claim) => [claim, { state: 'done', status: 200 }] as const));
  await accepting;
  tell(
    'accepted',
    entries.map(({ id }) => id),
  );
  const ended = await ending;
  tell(
    'done',
    claims.filter((_, index) => ended[index]).map(({ entry }) => entry.id),
  );
  claims = await queue.claim('worker-1', 5, { leaseMs: 60_000, waitMs: 0 });
}
await queue.close();
