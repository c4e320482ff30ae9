/** Runs the mesh at one rate and sums up what its processes counted. */
import type { Drive, Driven } from '../measure/driver.ts';
import type { Reading } from '../measure/meter.ts';
import type { Child } from '../process/child.ts';
import type { WatchwordStrategy } from '../strategies.ts';
import { median } from '../measure/statistics.ts';
import type { ModelPlan } from './plan.ts';

/** What was measured at one rate. */
export interface Measured {
  readonly requestsPerSecond: number;
  readonly requests: number;
  /** Over the whole chain, per request at the edge, in microseconds. */
  readonly verificationMicros: number;
  readonly verificationMicrosByProcess: Readonly<Record<string, number>>;
  /** Of a service, for a Txn-Token that it knows and for one that it does not. */
  readonly hitMicros: number;
  readonly firstUseMicros: number;
  /** Share of look-ups, at the gateway and in all services, that needed no signature check: 0 to 1. */
  readonly hitRatio: number;
  /** Octets of the token's field in a request behind the gateway, as it arrived. */
  readonly tokenBytesPerHop: number;
  /** Octets of such a request on the wire, everything included. */
  readonly wireBytesPerHop: number;
  /** Requests behind the gateway for each one at the edge. */
  readonly hops: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** Which load. */
export interface LoadTask {
  readonly mesh: WatchwordStrategy;
  readonly driver: Child;
  readonly plan: ModelPlan;
  readonly perSecond?: number;
  readonly measuredMs: number;
}

/** Warms up for a reuse window, over which users join in, then measures. @throws Error at the first wrong answer: figures of a system that errs mean nothing */
export async function measureLoad({ mesh, driver, plan, perSecond, measuredMs }: LoadTask): Promise<Measured> {
  const drive: Drive = {
    origin: mesh.origin,
    from: 0,
    to: plan.users,
    zipf: plan.zipf,
    concurrency: perSecond === undefined ? plan.concurrency : MOST_CONNECTIONS,
    requests: Number.MAX_SAFE_INTEGER,
    durationMs: plan.reuseWindowSeconds * 1000,
    ...(perSecond === undefined ? {} : { perSecond }),
  };
  await driveChecked(driver, { ...drive, joinMs: drive.durationMs });
  await askAll(mesh, 'meter on');
  const driven = await driveChecked(driver, { ...drive, durationMs: measuredMs });
  const readings = (await askAll(mesh, 'meter read')) as Reading[];
  await askAll(mesh, 'meter off');
  return sumUp(mesh, readings, driven);
}

/** Several rounds of one load as one: shares and octets of all requests; of processor time and latencies the middle round. */
export function together(rounds: readonly Measured[]): Measured {
  const requests = rounds.reduce((sum, round) => sum + round.requests, 0);
  const mean = (of: (round: Measured) => number): number =>
    rounds.reduce((sum, round) => sum + of(round) * round.requests, 0) / requests;
  const middle = (of: (round: Measured) => number): number => median(rounds.map(of));
  const names = Object.keys(rounds[0]!.verificationMicrosByProcess);
  return {
    // Of the time that all took.
    requestsPerSecond: requests / rounds.reduce((sum, round) => sum + round.requests / round.requestsPerSecond, 0),
    requests,
    verificationMicros: middle((round) => round.verificationMicros),
    verificationMicrosByProcess: Object.fromEntries(
      names.map((name) => [name, middle((round) => round.verificationMicrosByProcess[name]!)]),
    ),
    hitMicros: middle((round) => round.hitMicros),
    firstUseMicros: middle((round) => round.firstUseMicros),
    hitRatio: mean((round) => round.hitRatio),
    tokenBytesPerHop: mean((round) => round.tokenBytesPerHop),
    wireBytesPerHop: mean((round) => round.wireBytesPerHop),
    hops: mean((round) => round.hops),
    p50Ms: middle((round) => round.p50Ms),
    p99Ms: middle((round) => round.p99Ms),
  };
}

/** At a low rate nobody waits for a connection. */
const MOST_CONNECTIONS = 64;

async function driveChecked(driver: Child, drive: Drive): Promise<Driven> {
  const driven = (await driver.ask('drive', drive)) as Driven;
  if (driven.errors > 0)
    throw new Error(`${driven.errors} of ${driven.requests} answers were wrong. The first: ${driven.firstError}`);
  return driven;
}

function askAll(mesh: WatchwordStrategy, question: string): Promise<unknown[]> {
  return Promise.all(mesh.metered.map((child) => child.ask(question)));
}

function sumUp(mesh: WatchwordStrategy, readings: readonly Reading[], driven: Driven): Measured {
  const { requests, elapsedMs, p50Ms, p99Ms } = driven;
  const total = (field: keyof Reading, of = readings): number => of.reduce((sum, reading) => sum + reading[field], 0);
  // The gateway comes first; its requests bring the external token.
  const services = readings.slice(1);
  return {
    requestsPerSecond: (requests * 1000) / elapsedMs,
    requests,
    verificationMicros: total('authenticationMicros') / requests,
    verificationMicrosByProcess: Object.fromEntries(
      mesh.metered.map(({ name }, index) => [name, readings[index]!.authenticationMicros / requests]),
    ),
    hitMicros:
      (total('authenticationMicros', services) - total('firstUseMicros', services)) /
      (total('authentications', services) - total('signatureChecks', services)),
    firstUseMicros: total('firstUseMicros', services) / total('signatureChecks', services),
    hitRatio: 1 - total('signatureChecks') / total('authentications'),
    tokenBytesPerHop: total('tokenBytes', services) / total('tokens', services),
    wireBytesPerHop: total('wireBytes', services) / total('wireRequests', services),
    hops: total('tokens', services) / requests,
    p50Ms,
    p99Ms,
  };
}
