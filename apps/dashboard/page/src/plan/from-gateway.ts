/** Fills a scenario with what a running gateway has measured. */
import type { DashboardState, GatewayView } from '@watchword/dashboard';
import type { Scenario } from '@watchword/planner';
import { latency, rate, text } from '../format.ts';
import { liveFigures } from '../live/figures.ts';

/** A scenario and what was taken over, in words. */
export interface Filled {
  readonly scenario: Scenario;
  readonly said: string;
}

/** Asks the server of this page for its first gateway. Never rejects. */
export async function fillFromGateway(scenario: Scenario): Promise<Filled> {
  try {
    const response = await fetch(`/api/gateways?after=${Number.MAX_SAFE_INTEGER}`, { signal: AbortSignal.timeout(5_000) });
    const [gateway] = ((await response.json()) as DashboardState).gateways;
    return gateway === undefined ? { scenario, said: 'No gateway is shown here.' } : filledWith(scenario, gateway);
  } catch {
    return { scenario, said: 'The dashboard does not answer.' };
  }
}

/** Takes over the rate, and what a verification costs. */
export function filledWith(scenario: Scenario, { name, latest, earlier, problem }: GatewayView): Filled {
  if (latest === undefined || problem !== undefined) return { scenario, said: `${name} is away.` };
  const { requestsPerSecond, verifySeconds } = liveFigures(latest, earlier ?? latest);
  if (!requestsPerSecond) return { scenario, said: `${name} has had no requests in the last ten seconds.` };
  const users = Math.max(1, Math.round(requestsPerSecond / scenario.requestsPerUserPerSecond));
  const cost = verifySeconds === undefined ? {} : { verifyMicros: verifySeconds * 1e6 };
  const costs = verifySeconds === undefined ? '' : `, ${text(latency(verifySeconds))} for each verification`;
  return { scenario: { ...scenario, users, ...cost }, said: `From ${name}: ${text(rate(requestsPerSecond))} requests${costs}.` };
}
