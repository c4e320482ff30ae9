/** What each remedy is worth, by leaving it out or adding it. */
import type { Calibration } from '../calibration.ts';
import { REMEDIES, type Remedy, type Scenario } from '../scenario.ts';
import { figure } from '../basis.ts';
import { systemCost } from './system.ts';
import type { RemedyAdvice, SystemCost } from './types.ts';

/** All remedies, in the order of what they save each month. */
export function adviceOf(scenario: Scenario, calibration: Calibration): readonly RemedyAdvice[] {
  const present = systemCost(scenario, calibration, scenario.users);
  return REMEDIES.map((remedy) => {
    const isOn = scenario.remedies[remedy];
    const other = systemCost(switched(scenario, remedy, !isOn), calibration, scenario.users);
    return isOn ? compare(remedy, isOn, other, present, scenario) : compare(remedy, isOn, present, other, scenario);
  }).toSorted((one, another) => another.savesPerMonth.value - one.savesPerMonth.value);
}

/** The same system with one remedy switched. */
export function switched(scenario: Scenario, remedy: Remedy, isOn: boolean): Scenario {
  return { ...scenario, remedies: { ...scenario.remedies, [remedy]: isOn } };
}

function compare(remedy: Remedy, isOn: boolean, without: SystemCost, on: SystemCost, scenario: Scenario): RemedyAdvice {
  const saved = (of: (cost: SystemCost) => number) => figure(of(without) - of(on), 'extrapolated');
  return {
    remedy,
    isOn,
    savesPerMonth: saved((cost) => cost.monthlyCost.value),
    savesCores: saved((cost) => cost.cores.value),
    savesMegabytesPerSecond: saved((cost) => cost.allHops.megabytesPerSecond),
    reason: REASONS[remedy](without, on, scenario),
  };
}

const REASONS: Readonly<Record<Remedy, (without: SystemCost, on: SystemCost, scenario: Scenario) => string>> = {
  scaling: (without, on) =>
    `instances follow the load: ${whole(without.instances.value)} are full at ${limitOf(without)} requests/s, ${whole(on.instances.value)} at ${limitOf(on)}`,
  caching: (without, on) =>
    `${percent(on.hitRatio.value)} of look-ups are hits: ${short(without.signatureChecksPerRequest.value)} signature checks per request become ${short(on.signatureChecksPerRequest.value)}`,
  offloading: (without, on) =>
    `verified once at the gateway: ${short(without.verificationCores.value)} cores of verification become ${short(on.verificationCores.value)}`,
  lightweight: (without, on, { token, txnToken, remedies }) =>
    !remedies.offloading
      ? 'goes with offloading only: a signed token cannot be cut on its way'
      : `${token.bytes} characters of token become ${txnToken.bytes}: ${short(without.allHops.megabytesPerSecond)} MB/s on all hops become ${short(on.allHops.megabytesPerSecond)}`,
  http2: (without, on) =>
    `the token behind the gateway takes ${short(without.links[1]!.tokenBytes.value)} octets per request, then ${short(on.links[1]!.tokenBytes.value)}`,
  async: (_without, _on, { async: { share, peakFactor } }) =>
    `${percent(share)} of the verification waits until the peak, ${short(peakFactor)} times the mean, is over`,
  analysis: (without, on, { limits }) =>
    `servers as full as p99 <= ${short(limits.p99Ms)} ms allows, not ${percent(limits.utilization)}: ${whole(without.instances.value)} instances become ${whole(on.instances.value)}`,
};

function limitOf({ bottlenecks }: SystemCost): string {
  const cpu = bottlenecks.find(({ resource }) => resource === 'cpu');
  return cpu === undefined ? 'no' : whole(cpu.requestsPerSecond.value);
}

function percent(share: number): string {
  return `${short(share * 100)} %`;
}

function short(value: number): string {
  return Math.abs(value) >= 100 ? whole(value) : String(Number(value.toPrecision(2)));
}

function whole(value: number): string {
  return Math.round(value).toLocaleString('en-US');
}
