/** Unit costs of a step by how often it is taken. */
import type { AlgorithmCosts, Calibration, HopCosts, RarePoint, RareStep } from './calibration.ts';

/**
 * The costs of steps that one process takes so many times per second, each of them. Between the rates that were measured the addition
 * changes with the logarithm of the rate; beyond them it stays as it is. What is given has no additions left.
 * @param perSecond by one process (one thread of a gateway); 0 is as rare as was measured
 */
export function atPace(calibration: Calibration, perSecond: number): Calibration {
  const { rarely, ...costs } = calibration;
  if (rarely === undefined) return calibration;
  const extra = (step: RareStep): number => extraMicros(rarely[step], perSecond);
  return {
    ...costs,
    algorithms: mapped(costs.algorithms, (algorithm: AlgorithmCosts) => ({
      verifyMicros: algorithm.verifyMicros + extra('verify'),
      signMicros: algorithm.signMicros + extra('sign'),
      mintMicros: algorithm.mintMicros + extra('mint'),
    })),
    hits: costs.hits.map(({ tokens, micros }) => ({ tokens, micros: micros + extra('hit') })),
    sharedHitMicros: costs.sharedHitMicros + extra('sharedHit'),
    reuseMicros: costs.reuseMicros + extra('reuse'),
    proxyMicros: costs.proxyMicros + extra('proxy'),
    protocols: mapped(costs.protocols, (hop: HopCosts) => ({ ...hop, requestMicros: hop.requestMicros + extra('request') })),
  };
}

/** On a line over the logarithm of the rate, from point to point. */
function extraMicros(points: readonly RarePoint[], perSecond: number): number {
  const next = points.findIndex((point) => point.perSecond >= perSecond);
  if (next === -1) return points.at(-1)!.extraMicros;
  if (next === 0) return points[0]!.extraMicros;
  const [low, high] = [points[next - 1]!, points[next]!];
  const share = Math.log(perSecond / low.perSecond) / Math.log(high.perSecond / low.perSecond);
  return low.extraMicros + share * (high.extraMicros - low.extraMicros);
}

function mapped<Name extends string, Value>(
  record: Readonly<Record<Name, Value>>,
  change: (value: Value) => Value,
): Readonly<Record<Name, Value>> {
  return Object.fromEntries(Object.entries<Value>(record).map(([name, value]) => [name, change(value)])) as Record<Name, Value>;
}
