/** From the CPU time of processes to the CPU time of verification. */
import type { StrategyId } from '../strategies.ts';

/** What one process spent per request at the edge, in microseconds. */
export interface ProcessMicros {
  /** Between the two looks at its CPU time, around authentication. */
  readonly authentication: number;
  /** In all threads, for everything. */
  readonly whole: number;
}

/**
 * CPU time per request that goes into verification, by role. Watchword verifies in one go, so the meter sees exactly that. jose
 * hands signatures to other threads and waits, and no look at a clock can tell its share from that of the requests served in
 * between. But its services differ from those with a cache in nothing but the verification, so what they
 * spend more is what it costs more.
 * @param cpu one round of the strategy
 * @param cached the same round of the services with a cache
 */
export function verificationMicros(
  id: StrategyId,
  cpu: ReadonlyMap<string, ProcessMicros>,
  cached: ReadonlyMap<string, ProcessMicros> | undefined,
): ReadonlyMap<string, number> {
  if (id !== 'verify-everywhere') return new Map([...cpu].map(([role, { authentication }]) => [role, authentication]));
  return new Map(
    [...cpu].map(([role, { whole }]) => {
      const other = cached?.get(role);
      if (other === undefined) throw new Error(`${role} with a cache was not measured`);
      // The rest of their work varies more than this in a short run; nothing costs less than nothing.
      return [role, Math.max(0, whole - other.whole + other.authentication)];
    }),
  );
}
