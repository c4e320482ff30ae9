/** A thread that uses a shared table: hammers it, verifies real tokens, or is stopped in the middle of a write. */
import { subscribe } from 'node:diagnostics_channel';
import { parentPort, workerData } from 'node:worker_threads';
import { createSharedChecks } from '../../src/cache/shared-checks.ts';
import { type SharedTable, type SharedTableHandle, openSharedTable } from '../../src/cache/shared-table.ts';
import { SIGNATURE_CHECK_CHANNEL } from '../../src/jws/signature.ts';
import { createLocalKeys } from '../../src/keys/local-keys.ts';
import type { KeyMaterial } from '../../src/keys/verification-key.ts';
import { createVerifier } from '../../src/verify/create-verifier.ts';
import { SeededRandom } from './seeded-random.ts';
import { verdict } from './verdicts.ts';

const KEY = 'k'.repeat(43);
const NOW_MS = 1_800_000_000_000;

/** What a thread is to do. */
export type Task = { readonly handle: SharedTableHandle } & (
  | { readonly kind: 'hammer'; readonly seed: number; readonly steps: number }
  | {
      readonly kind: 'verify';
      readonly keys: readonly KeyMaterial[];
      readonly tokens: readonly { readonly compact: string; readonly verdict: string }[];
      readonly order: readonly number[];
    }
  | { readonly kind: 'freeze'; readonly token: string; readonly stores: number }
  | { readonly kind: 'busy'; readonly flag: SharedArrayBuffer }
);

/** What a hammering thread has seen. */
export interface HammerReport {
  readonly wrong: readonly string[];
  readonly yes: number;
  readonly stored: number;
  readonly evicted: number;
  readonly lostRaces: number;
}

/** What a verifying thread has seen. */
export interface VerifyReport {
  readonly wrong: readonly string[];
  readonly checks: number;
}

if (parentPort !== null) parentPort.postMessage(await run(workerData as Task), []);

async function run(task: Task): Promise<unknown> {
  const table = openSharedTable(task.handle);
  if (task.kind === 'hammer') return hammer(table, new SeededRandom(task.seed), task.steps);
  if (task.kind === 'verify') return verifyAll(table, task);
  if (task.kind === 'freeze') return freeze(table, task.token, task.stores);
  return storeForever(table, new Int32Array(task.flag));
}

// Every name says what may be answered about it.
function hammer(table: SharedTable, random: SeededRandom, steps: number): HammerReport {
  const wrong: string[] = [];
  let yes = 0;
  const ask = (name: string, nowMs: number, may: boolean): void => {
    const answer = table.has(name, KEY, nowMs);
    if (answer && may) yes += 1;
    if (answer && !may) wrong.push(`${random.seed}: ${name} at ${nowMs}`);
  };
  for (let step = 0; step < steps; step += 1) {
    const index = random.int(300);
    const era = table.era();
    const ofEra = (generation: number): string => `era-${generation}-${index}`;
    if (random.chance(0.002)) table.bumpKeys();
    table.store(`long-${index}`, KEY, NOW_MS + 2_000_000, era, NOW_MS);
    table.store(`brief-${index}`, KEY, NOW_MS + 1_000_000, era, NOW_MS);
    table.store(ofEra(era.keyGeneration), KEY, NOW_MS + 2_000_000, era, NOW_MS);
    const other = random.int(300);
    ask(`long-${other}`, NOW_MS + 1_500_000, true);
    ask(`brief-${other}`, NOW_MS + 999_999, true);
    ask(`brief-${other}`, NOW_MS + 1_000_000, false);
    ask(`long-${other}`, NOW_MS + 2_000_000, false);
    ask(`fake-${other}`, NOW_MS, false);
    const { keyGeneration } = table.era();
    if (keyGeneration > 0) ask(ofEra(keyGeneration - 1), NOW_MS, false);
  }
  const { stored, evicted, lostRaces } = table.stats();
  return { wrong, yes, stored, evicted, lostRaces };
}

async function verifyAll(table: SharedTable, task: Task & { readonly kind: 'verify' }): Promise<VerifyReport> {
  let checks = 0;
  subscribe(SIGNATURE_CHECK_CHANNEL, () => (checks += 1));
  const issuer = 'https://issuer.example';
  const keys = createLocalKeys({ issuer, keys: [...task.keys] });
  const algorithms = task.keys.map(({ alg }) => alg);
  const policy = { issuer, audience: 'https://api.example', algorithms, keys };
  const verifier = createVerifier({ issuers: [policy], clock: () => NOW_MS, checks: createSharedChecks(table) });
  const wrong: string[] = [];
  for (const index of task.order) {
    const { compact, verdict: expected } = task.tokens[index]!;
    const seen = await verdict(verifier, compact);
    if (seen !== expected) wrong.push(`${index}: ${seen}`);
  }
  return { wrong, checks };
}

// Stops for good after so many words have been stored, with the claim held.
function freeze(table: SharedTable, token: string, stores: number): void {
  const { store } = Atomics;
  let done = 0;
  Atomics.store = ((array: Int32Array, index: number, value: number) => {
    if (done === stores) {
      parentPort!.postMessage('frozen', []);
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
    }
    done += 1;
    return store(array, index, value);
  }) as typeof Atomics.store;
  table.store(token, KEY, NOW_MS + 300_000, table.era(), NOW_MS);
}

function storeForever(table: SharedTable, flag: Int32Array): void {
  for (let index = 0; ; index += 1) {
    table.store(`busy-${index}`, KEY, NOW_MS + 300_000, table.era(), NOW_MS);
    if (index !== 1000) continue;
    Atomics.store(flag, 0, 1);
    Atomics.notify(flag, 0);
  }
}
