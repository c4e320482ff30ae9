/** The growth table: what verifying and carrying tokens costs at 100 to 100 million users, from measured unit costs. */
import type { Basis } from './basis.ts';
import { type Bandwidth, bandwidth } from './bandwidth.ts';

/** What one request costs under one strategy, as measured. */
export interface UnitCosts {
  /** CPU time spent on verification per request, in microseconds, summed over the whole chain. */
  readonly verificationMicros: number;
  /** Bytes of token in a request that enters at the edge: header name and value as on the wire. */
  readonly edgeTokenBytes: number;
  /** The same for a request between two services. */
  readonly internalTokenBytes: number;
  /** Requests between edge and services, and between services, that one request at the edge causes. */
  readonly internalHops: number;
  /** The highest rate at which these costs were observed, in requests per second at the edge. */
  readonly observedRequestsPerSecond: number;
}

/** The two strategies that are compared, measured in one run. */
export interface MeasuredCosts {
  /** Every service verifies the external token. */
  readonly without: UnitCosts;
  /** Verified once at the edge, carried on as a Txn-Token. */
  readonly with: UnitCosts;
}

/** What one strategy costs at one size. */
export interface GrowthCost {
  readonly basis: Basis;
  /** Cores that do nothing but verify. */
  readonly verificationCores: number;
  /** Tokens on one link between services, where every request passes once. */
  readonly perLink: Bandwidth;
  /** Tokens on all links together, the one to the edge included. */
  readonly allHops: Bandwidth;
}

/** One size of system. */
export interface GrowthRow {
  readonly users: number;
  readonly requestsPerSecond: number;
  readonly without: GrowthCost;
  readonly with: GrowthCost;
}

/** The sizes of the table. */
export const USER_COUNTS: readonly number[] = [100, 10_000, 1_000_000, 100_000_000];

/** How busy one user is: 10,000 users make 5,000 requests per second. */
export const REQUESTS_PER_USER_PER_SECOND = 0.5;

/**
 * Computes the growth table. The model is linear: a request costs the same at any rate, so the table shows when a single
 * machine, link or budget is outgrown, not how queues behave shortly before.
 * @throws RangeError when a cost is not a finite number of at least 0
 */
export function growthTable(measured: MeasuredCosts): GrowthRow[] {
  assertCosts('without', measured.without);
  assertCosts('with', measured.with);
  return USER_COUNTS.map((users) => {
    const requestsPerSecond = users * REQUESTS_PER_USER_PER_SECOND;
    return {
      users,
      requestsPerSecond,
      without: costAt(measured.without, requestsPerSecond),
      with: costAt(measured.with, requestsPerSecond),
    };
  });
}

function costAt(costs: UnitCosts, requestsPerSecond: number): GrowthCost {
  const bytesOnAllHops = costs.edgeTokenBytes + costs.internalTokenBytes * costs.internalHops;
  return {
    basis: requestsPerSecond <= costs.observedRequestsPerSecond ? 'measured' : 'extrapolated',
    verificationCores: (costs.verificationMicros * requestsPerSecond) / 1e6,
    perLink: bandwidth(costs.internalTokenBytes, requestsPerSecond),
    allHops: bandwidth(bytesOnAllHops, requestsPerSecond),
  };
}

function assertCosts(side: string, costs: UnitCosts): void {
  for (const [name, value] of Object.entries(costs)) {
    if (!Number.isFinite(value) || value < 0) throw new RangeError(`${side}.${name}: must be a finite number of at least 0`);
  }
}
