/** From what the processes counted to what each step costs. */
import type { CpuReading } from './cpu-meter.ts';
import { median } from './median.ts';
import type { StageReading } from './stage.ts';

/** Steps in their place in a request, at one pace: processor time in microseconds. */
export interface PaceTimes {
  /** Requests of each process. */
  readonly requestsPerSecond: number;
  /** Those with a Txn-Token that nobody has seen. */
  readonly firstUsesPerSecond: number;
  /** A known Txn-Token. */
  readonly hit: number;
  /** One that nobody has seen: looked up, verified, remembered. */
  readonly firstUse: number;
  /** What the gateway's decision takes beyond a hit, when there is a Txn-Token in the reuse window. */
  readonly reuse: number;
  /** The same when one is minted. */
  readonly mint: number;
  readonly proxy: number;
  /** Both ends of a request over HTTP/1.1. */
  readonly request: number;
}

/** Steps that are taken in addition to a request, by name, and how often a process takes each of them. */
export interface ProbeTimes {
  readonly perSecond: number;
  readonly steps: Readonly<Record<string, number>>;
}

/** Works them out. @throws Error when a step was never taken: the measurement was too short */
export function paceTimesOf({ requests, seconds, gateway, services }: StageReading): PaceTimes {
  // What the further steps need fills the memory of those that take them, and makes everything there dearer.
  const plain = services.filter(({ probes }) => Object.keys(probes).length === 0);
  const meanOver = (name: string, of: (service: StageReading['services'][number]) => CpuReading): number =>
    meanOf(name, plain.map(of));
  const hit = meanOver('hit', ({ admit }) => admit);
  const knownDecision = meanOf('decision', [gateway.known]);
  const { known, minting } = gateway;
  const decisions = known.stepMicros + minting.stepMicros;
  // Pricing answers one request and makes one.
  const pricing = services[1]!;
  const admissions = pricing.admit.stepMicros + pricing.firstUse.stepMicros;
  return {
    requestsPerSecond: requests / seconds,
    firstUsesPerSecond: minting.steps / seconds,
    hit,
    firstUse: meanOver('first use', ({ firstUse }) => firstUse),
    reuse: Math.max(0, knownDecision - hit),
    mint: Math.max(LEAST_MICROS, meanOf('minting', [minting]) - hit),
    proxy: Math.max(1, (known.processMicros - decisions) / requests),
    request: Math.max(1, (pricing.admit.processMicros - admissions - pricing.own.stepMicros) / requests),
  };
}

/** The middle of several rounds, of each step on its own: what disturbs a round now and then changes nothing. */
export function middleOf(rounds: readonly StageReading[]): PaceTimes {
  const times = rounds.map(paceTimesOf);
  const names = Object.keys(times[0]!) as (keyof PaceTimes)[];
  return Object.fromEntries(names.map((name) => [name, median(times.map((each) => each[name]))])) as Record<
    keyof PaceTimes,
    number
  >;
}

/** Works out what the further steps take on their own. @throws Error when there were none */
export function probeTimesOf({ services, seconds }: StageReading): ProbeTimes {
  const probed = services.filter(({ probes }) => Object.keys(probes).length > 0);
  const names = [...new Set(probed.flatMap(({ probes }) => Object.keys(probes)))];
  const readingsOf = (name: string): CpuReading[] => probed.flatMap(({ probes }) => probes[name] ?? []);
  const steps = names.flatMap(readingsOf).reduce((sum, reading) => sum + reading.steps, 0);
  return {
    perSecond: steps / seconds / names.length / probed.length,
    steps: Object.fromEntries(names.map((name) => [name, meanOf(name, readingsOf(name))])),
  };
}

/** Several rounds as one, in which each request counts the same: for steps that are taken too rarely in each to say something. */
export function together(rounds: readonly StageReading[]): StageReading {
  const sum = (of: (round: StageReading) => number): number => rounds.reduce((total, round) => total + of(round), 0);
  const sumOf = (of: (round: StageReading) => CpuReading): CpuReading => ({
    stepMicros: sum((round) => of(round).stepMicros),
    steps: sum((round) => of(round).steps),
    processMicros: sum((round) => of(round).processMicros),
  });
  const [first] = rounds;
  return {
    requests: sum((round) => round.requests),
    seconds: sum((round) => round.seconds),
    gateway: { known: sumOf(({ gateway }) => gateway.known), minting: sumOf(({ gateway }) => gateway.minting) },
    services: first!.services.map(({ probes }, index) => ({
      admit: sumOf(({ services }) => services[index]!.admit),
      firstUse: sumOf(({ services }) => services[index]!.firstUse),
      own: sumOf(({ services }) => services[index]!.own),
      probes: Object.fromEntries(
        Object.keys(probes).map((name) => [name, sumOf(({ services }) => services[index]!.probes[name]!)]),
      ),
    })),
  };
}

/** What is less than the clock can tell. */
export const LEAST_MICROS = 0.05;

function meanOf(name: string, readings: readonly CpuReading[]): number {
  const steps = readings.reduce((sum, reading) => sum + reading.steps, 0);
  if (steps === 0) throw new Error(`The calibration took no step of "${name}": it was too short for this machine`);
  return Math.max(LEAST_MICROS, readings.reduce((sum, reading) => sum + reading.stepMicros, 0) / steps);
}
