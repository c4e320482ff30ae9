/** Measures the running strategies, one after the other in each round, with the same tokens. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Child } from '../process/child.ts';
import type { UserToken } from '../provider/tokens.ts';
import type { Strategy, StrategyId } from '../strategies.ts';
import type { Drive, Driven } from './driver.ts';
import type { Reading } from './meter.ts';
import type { Plan } from './plan.ts';
import { median } from './statistics.ts';
import { type ProcessMicros, verificationMicros } from './verification-cpu.ts';

/** What one strategy costs: medians over the rounds. */
export interface Result {
  readonly id: StrategyId;
  readonly title: string;
  /** Over the whole chain, per request at the edge. */
  readonly signatureChecksPerRequest: number;
  /** Over the whole chain, per request at the edge, in microseconds. */
  readonly verificationMicrosPerRequest: number;
  /** The same in each process, gateway or service. */
  readonly verificationMicrosByProcess: Readonly<Record<string, number>>;
  /** Between the edge and the services, and between services. */
  readonly tokenBytesPerHop: number;
  /** Hops with a token per request, the one to the edge not counted. */
  readonly internalHops: number;
  readonly requestsPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Requests that were sent and checked in all phases. */
  readonly requests: number;
  readonly errors: number;
}

/** What is needed to measure. */
export interface Bench {
  readonly strategies: readonly Strategy[];
  /** The process that sends the requests. */
  readonly driver: Child;
  /** Tokens of different users, as many as the plan asks for. */
  readonly tokens: readonly UserToken[];
  readonly plan: Plan;
  /** Told what is going on, a line at a time. */
  readonly progress: (line: string) => void;
}

interface Samples {
  requests: number;
  errors: number;
  /** Of each round, what the processes spent per request. */
  readonly cpu: ReadonlyMap<string, ProcessMicros>[];
  readonly checks: number[];
  readonly bytes: number[];
  readonly hops: number[];
  readonly rates: number[];
  readonly p50s: number[];
  readonly p99s: number[];
}

/** Measures all strategies. @throws Error at the first wrong answer: figures of a system that errs mean nothing */
export async function measure(bench: Bench): Promise<Result[]> {
  const { strategies, driver, tokens, plan, progress } = bench;
  const samples = new Map(strategies.map((strategy) => [strategy, emptySamples()]));
  await driver.ask('tokens', tokens);

  for (const strategy of strategies) {
    const { requests } = await driveChecked(bench, strategy, samples, {});
    progress(`checked: ${strategy.title}: ${requests} users, every service saw the owner of the token`);
  }
  const reuseEndsMs = Date.now() + plan.reuseWindowSeconds * 1000;
  for (const strategy of strategies) await driveChecked(bench, strategy, samples, warmUp(plan));

  for (let round = 0; round < plan.rounds; round += 1) {
    for (const strategy of strategies) {
      const driven = await measureLoad(bench, strategy, samples);
      const rate = Math.round(rateOf(driven));
      progress(`under load, round ${round + 1} of ${plan.rounds}: ${strategy.title}: ${rate} requests/s`);
    }
  }
  // The check gave every user a Txn-Token. Each round below is to begin as a reuse window does: without.
  const reuses = strategies.some(({ id }) => id === 'verify-once');
  if (reuses) await sleep(Math.max(0, reuseEndsMs - Date.now()));
  for (let round = 0; round < plan.rounds; round += 1) {
    for (const strategy of strategies) {
      await measureCosts(bench, strategy, samples, round);
      progress(`metered, round ${round + 1} of ${plan.rounds}: ${strategy.title}`);
    }
  }
  const cached = strategies.find(({ id }) => id === 'verify-everywhere-cached');
  return strategies.map((strategy) => conclude(strategy, samples.get(strategy)!, cached && samples.get(cached)!));
}

function warmUp({ rounds, usersPerRound, loadUsers, warmUpRequests }: Plan): Partial<Drive> {
  return { from: rounds * usersPerRound, to: rounds * usersPerRound + loadUsers, requests: warmUpRequests };
}

/** Requests per second and latencies, with the meters off. */
async function measureLoad(bench: Bench, strategy: Strategy, samples: Map<Strategy, Samples>): Promise<Driven> {
  const { plan } = bench;
  const { from, to } = warmUp(plan);
  const limits = { requests: plan.maxLoadRequests, durationMs: plan.loadMs };
  const driven = await driveChecked(bench, strategy, samples, { ...limits, from: from!, to: to! });
  const own = samples.get(strategy)!;
  own.rates.push(rateOf(driven));
  own.p50s.push(driven.p50Ms);
  own.p99s.push(driven.p99Ms);
  return driven;
}

/** CPU time, signature checks and bytes, under the same load, with users that no round before had. */
async function measureCosts(bench: Bench, strategy: Strategy, samples: Map<Strategy, Samples>, round: number): Promise<void> {
  const { usersPerRound, requestsPerUser, perRequestRequests } = bench.plan;
  await askAll(strategy, 'meter on');
  const { requests } = await driveChecked(bench, strategy, samples, {
    from: round * usersPerRound,
    to: (round + 1) * usersPerRound,
    requests: strategy.id === 'verify-once-per-request' ? perRequestRequests : usersPerRound * requestsPerUser,
  });
  const readings = (await askAll(strategy, 'meter read')) as Reading[];
  await askAll(strategy, 'meter off');
  const total = (field: keyof Reading): number => readings.reduce((sum, reading) => sum + reading[field], 0);
  const own = samples.get(strategy)!;
  own.checks.push(total('signatureChecks') / requests);
  own.bytes.push(total('tokenBytes') / total('tokens'));
  own.hops.push(total('tokens') / requests);
  own.cpu.push(
    new Map(
      strategy.metered.map((child, index) => {
        const { authenticationMicros, processMicros } = readings[index]!;
        return [roleOf(child), { authentication: authenticationMicros / requests, whole: processMicros / requests }];
      }),
    ),
  );
}

// `orders (jose)` and `orders` do the same work for different strategies.
function roleOf({ name }: Child): string {
  return name.split(' (')[0]!;
}

function askAll(strategy: Strategy, question: string): Promise<unknown[]> {
  return Promise.all(strategy.metered.map((child) => child.ask(question)));
}

/** By default: each token once. */
async function driveChecked(
  bench: Bench,
  strategy: Strategy,
  samples: Map<Strategy, Samples>,
  task: Partial<Drive>,
): Promise<Driven> {
  const { driver, tokens, plan } = bench;
  const whole: Drive = {
    origin: strategy.origin,
    ...(strategy.host === undefined ? {} : { host: strategy.host }),
    from: 0,
    to: tokens.length,
    requests: tokens.length,
    concurrency: plan.concurrency,
    durationMs: 60_000,
    ...task,
  };
  const driven = (await driver.ask('drive', whole)) as Driven;
  const own = samples.get(strategy)!;
  own.requests += driven.requests;
  own.errors += driven.errors;
  if (driven.errors > 0) {
    throw new Error(
      `${strategy.title}: ${driven.errors} of ${driven.requests} answers were wrong. The first: ${driven.firstError}`,
    );
  }
  return driven;
}

function rateOf({ requests, elapsedMs }: Driven): number {
  return (requests * 1000) / elapsedMs;
}

function emptySamples(): Samples {
  return {
    requests: 0,
    errors: 0,
    cpu: [],
    checks: [],
    bytes: [],
    hops: [],
    rates: [],
    p50s: [],
    p99s: [],
  };
}

function conclude({ id, title }: Strategy, samples: Samples, cached: Samples | undefined): Result {
  const rounds = samples.cpu.map((cpu, round) => verificationMicros(id, cpu, cached?.cpu[round]));
  const roles = [...samples.cpu[0]!.keys()];
  return {
    id,
    title,
    signatureChecksPerRequest: median(samples.checks),
    verificationMicrosPerRequest: median(rounds.map((byRole) => [...byRole.values()].reduce((sum, micros) => sum + micros, 0))),
    verificationMicrosByProcess: Object.fromEntries(
      roles.map((role) => [role, median(rounds.map((byRole) => byRole.get(role)!))]),
    ),
    tokenBytesPerHop: median(samples.bytes),
    internalHops: median(samples.hops),
    requestsPerSecond: median(samples.rates),
    p50Ms: median(samples.p50s),
    p99Ms: median(samples.p99s),
    requests: samples.requests,
    errors: samples.errors,
  };
}
