/**
 * Loaded into a process before its program: kills that process (SIGKILL) when it goes on after an `await` for the n-th time, or is
 * about to run, or has run, a statement of SQLite. It is told n by its parent and counts from then on; Infinity only counts.
 */
import { createHook, executionAsyncResource } from 'node:async_hooks';
import process from 'node:process';
import { DatabaseSync, StatementSync } from 'node:sqlite';

let [passed, last] = [0, Infinity];
let isCounting = false;

function pass(): void {
  if (!isCounting) return;
  passed += 1;
  if (passed >= last) process.kill(process.pid, 'SIGKILL');
}

// A promise is what an `await` goes on with.
createHook({ init() {}, before: () => void (executionAsyncResource() instanceof Promise && pass()) }).enable();

for (const [holder, names] of [
  [StatementSync.prototype, ['run', 'get', 'all']],
  [DatabaseSync.prototype, ['exec']],
] as const) {
  for (const name of names) {
    const methods = holder as unknown as Record<string, (...values: unknown[]) => unknown>;
    const original = methods[name]!;
    methods[name] = function counted(this: unknown, ...values) {
      pass();
      const result = original.apply(this, values);
      pass();
      return result;
    };
  }
}

process.on('message', (message: { readonly killAt?: number; readonly count?: true }) => {
  if (message.count === true) process.send!({ passed });
  if (message.killAt === undefined) return;
  // JSON has no Infinity.
  last = message.killAt === 0 ? Infinity : message.killAt;
  isCounting = true;
  process.send!({ armed: true });
});
