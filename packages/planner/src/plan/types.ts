/** What a plan says. */
import type { Bandwidth } from '../bandwidth.ts';
import type { Figure } from '../basis.ts';
import type { Remedy, Scenario } from '../scenario.ts';

/** Something that can run out. `tables`: header tables too small for the callers; it costs bytes, and nothing stops. */
export type Resource = 'cpu' | 'link' | 'cache' | 'tables';

/** A limit of the system, and at which load it is reached. */
export interface Bottleneck {
  readonly resource: Resource;
  /** The gateway, a service or a link: `gateway`, `orders`, `edge -> orders`. */
  readonly place: string;
  /** Requests per second at the edge at which it is reached; nothing is measured there. */
  readonly requestsPerSecond: Figure;
  /** How full it is at the size in question; 1: at the limit. */
  readonly utilization: Figure;
}

/** One hop of a request. */
export interface LinkCost {
  /** `edge -> orders`. */
  readonly link: string;
  /** Octets of the token in one request on it. */
  readonly tokenBytes: Figure;
  /** Of tokens alone. */
  readonly tokens: Bandwidth;
}

/** What one way of doing it costs at one size. */
export interface SystemCost {
  /** Signature checks per request at the edge, over the whole chain. */
  readonly signatureChecksPerRequest: Figure;
  /** Share of look-ups that the caches of the edge, or of the services without an edge that verifies, answer; 0 without caches. */
  readonly hitRatio: Figure;
  /** Cores that do nothing but verify, mint and look up. */
  readonly verificationCores: Figure;
  /** The same as a share of the servers' cores; above 1: they cannot do it. */
  readonly verificationShare: Figure;
  /** Busy cores of gateway and services, for everything. */
  readonly cores: Figure;
  /** Of gateway and services together. */
  readonly instances: Figure;
  /** Tokens on the link from the edge to the first service, where every request passes once. */
  readonly perLink: Figure & Bandwidth;
  /** Tokens on all links together, the one from the clients included. */
  readonly allHops: Figure & Bandwidth;
  readonly links: readonly LinkCost[];
  /** Memory of the verdicts in all caches that are still of use. */
  readonly cacheBytes: Figure;
  /** What they grow to: an expired verdict stays until another one needs its place. */
  readonly cacheLimitBytes: Figure;
  /** What a request spends in and waits for gateway and services, in milliseconds; null: the servers cannot keep up. */
  readonly latency: { readonly p50Ms: Figure; readonly p99Ms: Figure } | null;
  /** Instances and traffic of tokens, by the prices of the scenario. */
  readonly monthlyCost: Figure;
  /** All limits, those that are reached first in front. */
  readonly bottlenecks: readonly Bottleneck[];
}

/** One size of system. */
export interface PlanRow {
  readonly users: number;
  readonly requestsPerSecond: number;
  /** None of the seven remedies. */
  readonly without: SystemCost;
  /** Those of the scenario. */
  readonly with: SystemCost;
}

/** What one remedy is worth at the present size. */
export interface RemedyAdvice {
  readonly remedy: Remedy;
  readonly isOn: boolean;
  /** Per month: what it saves, or would save. Less than 0: it costs more than it saves. */
  readonly savesPerMonth: Figure;
  readonly savesCores: Figure;
  readonly savesMegabytesPerSecond: Figure;
  /** One sentence with its own figure. */
  readonly reason: string;
}

/** One step of what to do when traffic grows. */
export interface GrowthStep {
  readonly remedy: Remedy;
  /** What it does, in words. */
  readonly action: string;
  /** Why now, with figures. */
  readonly reason: string;
  readonly monthlyCostAfter: Figure;
}

/** What to do first when traffic grows. */
export interface GrowthAdvice {
  readonly factor: number;
  readonly users: number;
  /** What breaks first if nothing is done. */
  readonly breaks: Bottleneck | undefined;
  readonly steps: readonly GrowthStep[];
}

/** The answer to a scenario. */
export interface Plan {
  readonly scenario: Scenario;
  /** At the present number of users. */
  readonly now: PlanRow;
  /** At 100, 10,000, 1 million and 100 million users. */
  readonly rows: readonly PlanRow[];
  /** Remedies in the order of what they save. */
  readonly advice: readonly RemedyAdvice[];
  /** Where remedies take more than they spare, and what would help: sentences with figures, all of them extrapolated. */
  readonly remarks: readonly string[];
}
