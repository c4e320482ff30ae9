/** From what the processes counted to what each step costs. */
import { type AlgorithmCosts, TOKEN_ALGORITHMS, type TokenAlgorithm } from '@watchword/planner';
import type { CpuReading } from './cpu-meter.ts';
import { median } from './median.ts';
import type { StageReading } from './stage.ts';

/** Costs at one pace, in microseconds. */
export interface UnitTimes {
  /** Requests per second of each process. */
  readonly requestsPerSecond: number;
  readonly algorithms: Readonly<Record<TokenAlgorithm, AlgorithmCosts>>;
  /** A hit among few tokens, then among many. */
  readonly hits: readonly [few: number, many: number];
  readonly store: number;
  readonly sharedHit: number;
  readonly reuse: number;
  readonly proxy: number;
  /** Both ends of a request over HTTP/1.1. */
  readonly request: number;
}

/** One look at the processes: nothing but known callers, then with the further steps. */
export interface PaceReading {
  readonly known: StageReading;
  readonly probed: StageReading;
  readonly seconds: number;
}

/** Works the costs out. @throws Error when a step was never taken: the measurement was too short */
export function unitTimesOf({ known, probed, seconds }: PaceReading, cacheSizes: readonly [number, number]): UnitTimes {
  const step = (name: string): number =>
    meanOf(
      name,
      probed.services.flatMap(({ probes }) => probes[name] ?? []),
    );
  const admit = meanOf(
    'admit',
    known.services.map((service) => service.admit),
  );
  const perRequest = ({ processMicros }: CpuReading): number => processMicros / known.requests;
  const decision = meanOf('decision', [known.gateway]);
  const store = Math.max(0, step('store') - step('verify HS256'));
  const firstUse = meanOf(
    'first use',
    probed.services.map((service) => service.firstUse),
  );
  const [, pricing] = known.services;
  return {
    requestsPerSecond: known.requests / seconds,
    algorithms: algorithmCosts(step, {
      verify: firstUse - store - step('verify ES256'),
      mint: mintMicrosOf(known, probed) - step('mint ES256'),
    }),
    // Hits among many are dearer by as much as they are in a cache of that size of its own.
    hits: [admit, admit + Math.max(0, step(`hit ${cacheSizes[1]}`) - step(`hit ${cacheSizes[0]}`))],
    store,
    sharedHit: step('shared hit'),
    reuse: Math.max(0, decision - admit),
    proxy: Math.max(1, perRequest(known.gateway) - decision),
    // Pricing answers one request and makes one.
    request: Math.max(1, perRequest(pricing!.admit) - meanOf('admit', [pricing!.admit])),
  };
}

/** What a decision costs beyond a hit when a Txn-Token has to be minted: known from how much dearer decisions are when some do. */
function mintMicrosOf(known: StageReading, probed: StageReading): number {
  const [orders] = probed.services;
  const minted = orders!.firstUse.steps / (orders!.firstUse.steps + orders!.admit.steps);
  const admit = meanOf(
    'admit',
    known.services.map((service) => service.admit),
  );
  const reused = meanOf('decision', [known.gateway]);
  return (meanOf('decision', [probed.gateway]) - reused) / minted + Math.max(0, reused - admit);
}

/** The middle of several rounds, of each cost on its own. */
export function medianTimes(rounds: readonly UnitTimes[]): UnitTimes {
  const by = (of: (times: UnitTimes) => number): number => median(rounds.map(of));
  const algorithms = TOKEN_ALGORITHMS.map((name) => [
    name,
    {
      verifyMicros: by((times) => times.algorithms[name].verifyMicros),
      signMicros: by((times) => times.algorithms[name].signMicros),
      mintMicros: by((times) => times.algorithms[name].mintMicros),
    },
  ]);
  return {
    requestsPerSecond: by((times) => times.requestsPerSecond),
    algorithms: Object.fromEntries(algorithms) as UnitTimes['algorithms'],
    hits: [by((times) => times.hits[0]), by((times) => times.hits[1])],
    store: by((times) => times.store),
    sharedHit: by((times) => times.sharedHit),
    reuse: by((times) => times.reuse),
    proxy: by((times) => times.proxy),
    request: by((times) => times.request),
  };
}

/** How much dearer a step is in its place in a request than on its own; the algorithm does not matter for that. */
interface InPlace {
  readonly verify: number;
  readonly mint: number;
}

function algorithmCosts(step: (name: string) => number, { verify, mint }: InPlace): UnitTimes['algorithms'] {
  const mintOverhead = Math.max(0, step('mint ES256') - step('sign ES256'));
  const costs = TOKEN_ALGORITHMS.map((algorithm) => {
    const [verifyAlone, signMicros] = [step(`verify ${algorithm}`), step(`sign ${algorithm}`)];
    // No Txn-Token is ever signed with a shared secret (JO-10); what one would cost is put together.
    const mintAlone = algorithm === 'HS256' ? signMicros + mintOverhead : step(`mint ${algorithm}`);
    const verifyMicros = Math.max(LEAST_MICROS, verifyAlone + verify);
    return [algorithm, { verifyMicros, signMicros, mintMicros: Math.max(signMicros, mintAlone + mint) }] as const;
  });
  return Object.fromEntries(costs) as Record<TokenAlgorithm, AlgorithmCosts>;
}

/** What is less than the clock can tell. */
const LEAST_MICROS = 0.05;

function meanOf(name: string, readings: readonly CpuReading[]): number {
  const steps = readings.reduce((sum, reading) => sum + reading.steps, 0);
  if (steps === 0) throw new Error(`The calibration took no step of "${name}": it was too short for this machine`);
  return Math.max(LEAST_MICROS, readings.reduce((sum, reading) => sum + reading.stepMicros, 0) / steps);
}
