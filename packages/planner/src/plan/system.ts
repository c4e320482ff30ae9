/** What a system costs at one size: one side of a row of the growth table. */
import { type Bandwidth, bandwidth } from '../bandwidth.ts';
import { type Figure, figure } from '../basis.ts';
import type { Calibration } from '../calibration.ts';
import { responseQuantileMicros } from '../model/queueing.ts';
import type { Observed, Scenario } from '../scenario.ts';
import { bottlenecksOf } from './bottlenecks.ts';
import { GATEWAY, meanOf } from './demand.ts';
import { type LinkLoad, linksOf } from './links.ts';
import { type SizedNode, peaksOf, sizeNodes } from './sizing.ts';
import type { SystemCost } from './types.ts';

/** Hours of a month. */
const MONTH_HOURS = 730;

/** A system with its servers, before it is put into figures. */
export interface SizedSystem {
  readonly users: number;
  readonly requestsPerSecond: number;
  readonly nodes: readonly SizedNode[];
  readonly links: readonly LinkLoad[];
}

/** Sizes gateway, services and links. */
export function sizeSystem(scenario: Scenario, calibration: Calibration, users: number): SizedSystem {
  const nodes = sizeNodes(scenario, calibration, users);
  const instances = new Map(nodes.map((node) => [node.name, node.instances]));
  const links = linksOf(scenario, calibration, users, instances);
  return { users, requestsPerSecond: users * scenario.requestsPerUserPerSecond, nodes, links };
}

/** Computes all figures. */
export function systemCost(scenario: Scenario, calibration: Calibration, users: number): SystemCost {
  const system = sizeSystem(scenario, calibration, users);
  const { requestsPerSecond, nodes, links } = system;
  const told = (value: number): Figure => figure(value, 'extrapolated');
  const seen = observedAt(scenario, requestsPerSecond);
  const tokenCores = nodes.map((node) => (meanOf(node.tokenWork) * node.visits * requestsPerSecond) / 1e6);
  const verificationCores = sum(tokenCores);
  const ownCores = sum(nodes.map(({ instances, threads }) => instances * threads));
  const allBytes = sum(links.map(({ requests, tokenBytes }) => requests * tokenBytes));
  return {
    signatureChecksPerRequest: told(sum(nodes.map(({ signatureChecks, visits }) => signatureChecks * visits))),
    hitRatio: seen === undefined ? told(hitRatioOf(nodes)) : figure(seen.hitRatio, 'measured'),
    verificationCores: told(verificationCores),
    verificationShare: told(verificationCores / ownCores),
    cores: told(sum(nodes.map((node, index) => tokenCores[index]! + (node.otherMicros * node.visits * requestsPerSecond) / 1e6))),
    instances: told(sum(nodes.map(({ instances }) => instances))),
    perLink: { ...told(perLinkOf(links) * requestsPerSecond), ...bandwidth(perLinkOf(links), requestsPerSecond) },
    allHops: { ...told(allBytes * requestsPerSecond), ...bandwidth(allBytes, requestsPerSecond) },
    links: links.map((link) => ({
      link: link.link,
      tokenBytes: told(link.tokenBytes),
      tokens: tokensOn(link, requestsPerSecond),
    })),
    cacheBytes: told(cachesOf(system, scenario, (live) => live) * calibration.cachedTokenBytes),
    cacheLimitBytes: told(cachesOf(system, scenario, () => scenario.cache.entries) * calibration.cachedTokenBytes),
    latency: latencyOf(system, scenario),
    monthlyCost: told(monthlyCost(system, scenario, allBytes)),
    bottlenecks: bottlenecksOf(scenario, system),
  };
}

/** What a month costs: the servers that are needed, and tokens on all links. Servers that are too few are paid for in size. */
function monthlyCost({ nodes, requestsPerSecond }: SizedSystem, { prices, remedies }: Scenario, bytesPerRequest: number): number {
  const cores = sum(
    nodes.map((node) =>
      remedies.scaling ? node.instances * node.threads : Math.max(node.neededCores, node.threads * node.instances),
    ),
  );
  const gigabytes = (bytesPerRequest * requestsPerSecond * 3600 * MONTH_HOURS) / 1e9;
  return cores * prices.cpuHour * MONTH_HOURS + gigabytes * prices.trafficGigabyte;
}

// Counted by the running gateway, with the remedies that it has on. Everything else about it is computed.
function observedAt({ observed, remedies }: Scenario, requestsPerSecond: number): Observed | undefined {
  const isPresent = observed !== undefined && observed.requestsPerSecond === requestsPerSecond;
  return isPresent && remedies.offloading && remedies.caching ? observed : undefined;
}

function hitRatioOf(nodes: readonly SizedNode[]): number {
  const edge = nodes.find(({ name }) => name === GATEWAY)!;
  if (edge.cache !== undefined) return edge.cache.hitRatio;
  const cached = nodes.filter(({ cache }) => cache !== undefined);
  const visits = sum(cached.map((node) => node.visits));
  return visits === 0 ? 0 : sum(cached.map((node) => node.visits * node.cache!.hitRatio)) / visits;
}

/** Every request passes the link behind the gateway once. */
function perLinkOf(links: readonly LinkLoad[]): number {
  return links[1]!.tokenBytes;
}

function tokensOn({ requests, tokenBytes }: LinkLoad, requestsPerSecond: number): Bandwidth {
  return bandwidth(tokenBytes, requests * requestsPerSecond);
}

function cachesOf({ nodes }: SizedSystem, { cache }: Scenario, perThread: (live: number) => number): number {
  return sum(
    nodes.map((node) =>
      node.cache === undefined ? 0 : node.instances * node.threads * Math.min(cache.entries, perThread(node.cache.liveTokens)),
    ),
  );
}

// Nodes one after the other: medians add up; so do p99s, at worst. Each thread has a queue of its own.
function latencyOf({ nodes, requestsPerSecond }: SizedSystem, scenario: Scenario): SystemCost['latency'] {
  if (nodes.some(({ utilization }) => utilization >= 1)) return null;
  const quantile = (share: number): number =>
    sum(nodes.map((node) => node.visits * nodeQuantile(node, requestsPerSecond, scenario, share))) / 1000;
  return { p50Ms: figure(quantile(0.5), 'extrapolated'), p99Ms: figure(quantile(0.99), 'extrapolated') };
}

function nodeQuantile(node: SizedNode, requestsPerSecond: number, scenario: Scenario, share: number): number {
  const { visits, instances, threads, otherMicros, tokenWork } = node;
  const peak = peaksOf(scenario).other;
  const service = tokenWork.map((phase) => ({ share: phase.share, micros: phase.micros + otherMicros }));
  const rate = Math.min((requestsPerSecond * visits * peak) / instances / threads, 0.999e6 / meanOf(service));
  return responseQuantileMicros({ requestsPerSecond: rate, servers: 1, service }, share);
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
