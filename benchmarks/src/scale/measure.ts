/** Cache hits and signature checks of a fleet, and what a crash does to its callers. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Child } from '../process/child.ts';
import { ISSUER } from '../tokens/claims.ts';
import type { ScaleOrder, ScaleReport } from './clients.ts';
import type { Balancing, ScalePlan } from './plan.ts';
import { type Fleet, type Ground, type Instance, withFleet } from './stage.ts';

/** What one fleet did. */
export interface FleetResult {
  readonly instances: number;
  readonly balancing: Balancing;
  /** Share of the look-ups that the caches could answer. */
  readonly hitRate: number;
  readonly checks: number;
  readonly checksPerToken: number;
  readonly report: ScaleReport;
}

/** What a crash did. */
export interface CrashResult {
  readonly instances: number;
  readonly report: ScaleReport;
}

/** Everybody who takes part in a measurement. */
export interface Cast {
  readonly ground: Ground;
  readonly clients: Child;
  readonly tokenFile: string;
  readonly badTokens: readonly string[];
  /** Revoked in each fleet before it is measured. */
  readonly revokedIds: readonly string[];
  readonly plan: ScalePlan;
}

/** Measures one fleet. @throws Error for a wrong answer */
export function measureFleet(cast: Cast, instances: number, balancing: Balancing): Promise<FleetResult> {
  return withFleet(cast.ground, instances, balancing, cast.plan.cacheEntries, async (fleet) => {
    await revokeAll(cast, fleet);
    const { requests, tokens } = cast.plan;
    await run(cast, fleet, { requests: 2 * tokens, seed: 1 });
    const before = await countersOf(fleet.instances);
    const report = await run(cast, fleet, { requests, seed: 2 });
    const after = await countersOf(fleet.instances);
    const grown = (name: keyof Counters): number => after[name] - before[name];
    const checks = grown('checks');
    assertRight(report);
    return {
      instances,
      balancing,
      hitRate: grown('hits') / (grown('hits') + grown('misses')),
      checks,
      checksPerToken: checks / tokens,
      report,
    };
  });
}

/** Kills an instance under load, starts it again, and counts what the callers saw. @throws Error for a wrong answer */
export function measureCrash(cast: Cast, instances: number): Promise<CrashResult> {
  return withFleet(cast.ground, instances, 'hash of the token', cast.plan.cacheEntries, async (fleet) => {
    await revokeAll(cast, fleet);
    const seconds = cast.plan.crashSeconds;
    const loading = run(cast, fleet, { seconds, seed: 3 });
    await delay((seconds * 1000) / 3);
    await fleet.instances[0]!.process.kill();
    await delay((seconds * 1000) / 3);
    await fleet.restart(0);
    const report = await loading;
    assertRight(report);
    return { instances, report };
  });
}

function run(cast: Cast, fleet: Fleet, limit: Pick<ScaleOrder, 'requests' | 'seconds' | 'seed'>): Promise<ScaleReport> {
  const { clients, tokenFile, badTokens, plan } = cast;
  const { connections, limitSeconds: seconds } = plan;
  const order: ScaleOrder = { port: fleet.port, tokenFile, badTokens, connections, seconds, ...limit };
  return clients.ask<ScaleReport>('run', order);
}

// One instance is told, and all know: through Redis.
async function revokeAll({ revokedIds }: Cast, { instances }: Fleet): Promise<void> {
  for (const jti of revokedIds) {
    const body = JSON.stringify({ issuer: ISSUER, jti, expiresInSeconds: 3600 });
    const url = `http://127.0.0.1:${instances[0]!.controlPort}/revocations`;
    const response = await fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body });
    if (!response.ok) throw new Error(`Revoking was answered ${response.status}: ${await response.text()}`);
  }
  await delay(1000);
}

function assertRight({ wrong }: ScaleReport): void {
  if (wrong > 0) throw new Error(`${wrong} wrong answers`);
}

interface Counters {
  readonly hits: number;
  readonly misses: number;
  readonly checks: number;
}

async function countersOf(instances: readonly Instance[]): Promise<Counters> {
  const sum = { hits: 0, misses: 0, checks: 0 };
  for (const { controlPort } of instances) {
    const text = await (await fetch(`http://127.0.0.1:${controlPort}/metrics`)).text();
    const value = (name: string): number => Number(new RegExp(`^watchword_${name} (\\S+)$`, 'm').exec(text)?.[1] ?? NaN);
    sum.hits += value('cache_hits_total');
    sum.misses += value('cache_misses_total');
    sum.checks += value('signature_checks_total');
  }
  return sum;
}
