/** A process with one contender in it: no other library shares its compiler feedback, its heap or its collector. */
import { setTimeout as delay } from 'node:timers/promises';
import { type AcceptedToken, checkContender } from './check-contender.ts';
import type { Contender } from './contender.ts';
import { CONTENDERS } from './contenders.ts';
import type { Job, Prepared, Round, RoundResult } from './job.ts';
import { randomOrder } from '../tokens/random-order.ts';
import { ReceivedTokens } from '../tokens/token-file.ts';
import { serve } from '../process/worker.ts';
import { type Lap, type Work, timeLap } from './stopwatch.ts';

/** Tokens that are looked at one by one before the time is taken. */
const CHECKED_TOKENS = 200;
/** The floor has its inputs prepared; that many are enough to be beyond the processor's nearest memory. */
const FLOOR_TOKENS = 1000;
const FIRST_DRAWS = 1000;
const MAX_DRAWS = 500_000;
const SETTLE_MS = 50;

const NO_TIME: Lap = { cpuNs: 0, wallNs: 0 };

/** One call that is measured. */
interface Event {
  readonly call: string;
  readonly whole: Work;
  /** The loop whose time is subtracted; undefined: nothing is. */
  readonly strings: Work | undefined;
  /** Different inputs there are. */
  readonly inputs: number;
  /** Inputs in one pass. */
  draws: number;
}

let contender: Contender;
let events: readonly Event[] = [];

serve({ prepare, round });

async function prepare(job: Job): Promise<Prepared> {
  const tokens = new ReceivedTokens(job.tokenFile);
  const facts = CONTENDERS[job.contender];
  const create = await facts.load();
  contender = await create(job.policy);
  const accepted = firstTokens(tokens);
  await checkContender(contender, accepted, job.refused);
  if (facts.cached) {
    for (let index = 0; index < tokens.count; index += 1) await contender.ways[0]!.verify(tokens.text(index));
    // A warm cache must be as strict as a cold one.
    await checkContender(contender, accepted, job.refused);
  }
  events = eventsOf(contender, tokens);
  for (const event of events) await warmUp(event, job);
  return { calls: events.map(({ call }) => call), meanTokenBytes: tokens.meanBytes };
}

function firstTokens(tokens: ReceivedTokens): AcceptedToken[] {
  const count = Math.min(CHECKED_TOKENS, tokens.count);
  return Array.from({ length: count }, (_, index) => ({ token: tokens.text(index), subject: `user-${index}` }));
}

function eventsOf({ ways, prepare }: Contender, tokens: ReceivedTokens): Event[] {
  if (prepare !== undefined) {
    const inputs = Math.min(FLOOR_TOKENS, tokens.count);
    const floors = prepare(Array.from({ length: inputs }, (_, index) => tokens.text(index)));
    return floors.map(({ call, verify }) => ({ call, whole: verify, strings: undefined, inputs, draws: FIRST_DRAWS }));
  }
  return ways.map(({ call, verify }) => ({
    call,
    whole: (index) => verify(tokens.text(index)),
    strings: (index) => tokens.text(index),
    inputs: tokens.count,
    draws: FIRST_DRAWS,
  }));
}

// The compiler takes its last decisions after thousands of calls: until then a verifier of any library is slower than it will be.
async function warmUp(event: Event, { lapMs, warmUpCalls }: Job): Promise<void> {
  for (let calls = 0; calls < warmUpCalls; calls += event.draws) {
    const { whole } = await run(event, calls);
    event.draws = Math.min(MAX_DRAWS, Math.max(FIRST_DRAWS, Math.round((lapMs * 1e6) / whole.wallNs)));
  }
}

async function round({ seed }: Round): Promise<RoundResult[]> {
  const results: RoundResult[] = [];
  for (const event of events) {
    const missed = contender.misses?.();
    results.push(await run(event, seed));
    if (contender.misses?.() !== missed) throw new Error(`${event.call}: the cache could not answer every call`);
  }
  return results;
}

// The strings alone before and after, so that a machine whose speed drifts does not favour either.
async function run({ call, whole, strings, inputs, draws }: Event, seed: number): Promise<RoundResult> {
  const order = randomOrder(draws, inputs, seed);
  await settle();
  const before = strings === undefined ? NO_TIME : await timeLap(order, strings);
  const measured = await timeLap(order, whole);
  const after = strings === undefined ? NO_TIME : await timeLap(order, strings);
  return { call, whole: measured, strings: mean(before, after) };
}

// What was left behind before is not charged to this turn, and neither is the sweeping of a large heap, which goes on in the
// background after the collection.
async function settle(): Promise<void> {
  globalThis.gc?.();
  await delay(SETTLE_MS);
}

function mean(left: Lap, right: Lap): Lap {
  return { cpuNs: (left.cpuNs + right.cpuNs) / 2, wallNs: (left.wallNs + right.wallNs) / 2 };
}
