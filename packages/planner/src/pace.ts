/** Unit costs of a process by how often it is asked. */
import type { AlgorithmCosts, Calibration, HopCosts, RareCosts } from './calibration.ts';

/**
 * The costs in a process that takes so many requests per second. Between the two rates that were measured the addition falls with the
 * logarithm of the rate; beyond them it stays as it was. What is given has no additions left.
 * @param requestsPerSecond of one process (one thread of a gateway), above 0
 */
export function atPace(calibration: Calibration, requestsPerSecond: number): Calibration {
  const { rarely, ...costs } = calibration;
  if (rarely === undefined) return calibration;
  const share = idleShare(rarely, requestsPerSecond);
  const extra = (step: keyof RareCosts['extraMicros']): number => rarely.extraMicros[step] * share;
  return {
    ...costs,
    algorithms: mapped(costs.algorithms, (algorithm: AlgorithmCosts) => ({
      verifyMicros: algorithm.verifyMicros + extra('verify'),
      signMicros: algorithm.signMicros + extra('sign'),
      mintMicros: algorithm.mintMicros + extra('mint'),
    })),
    hits: costs.hits.map(({ tokens, micros }) => ({ tokens, micros: micros + extra('hit') })),
    storeMicros: costs.storeMicros + extra('store'),
    sharedHitMicros: costs.sharedHitMicros + extra('sharedHit'),
    reuseMicros: costs.reuseMicros + extra('reuse'),
    proxyMicros: costs.proxyMicros + extra('proxy'),
    protocols: mapped(costs.protocols, (hop: HopCosts) => ({ ...hop, requestMicros: hop.requestMicros + extra('request') })),
  };
}

/** 1 at the low rate and below, 0 at the high rate and above. */
function idleShare({ requestsPerSecond: low, busyRequestsPerSecond: high }: RareCosts, rate: number): number {
  const share = Math.log(high / rate) / Math.log(high / low);
  return Math.min(1, Math.max(0, share));
}

function mapped<Name extends string, Value>(
  record: Readonly<Record<Name, Value>>,
  change: (value: Value) => Value,
): Readonly<Record<Name, Value>> {
  return Object.fromEntries(Object.entries<Value>(record).map(([name, value]) => [name, change(value)])) as Record<Name, Value>;
}
