/** Plain counters, cheap enough for every request; turned into metrics only when somebody asks. */
import type { ErrorCode } from '@watchword/core';
import type { Route } from '../routing/route.ts';

/** Upper bounds of the duration buckets, in seconds. */
export const DURATION_BUCKETS: readonly number[] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/** What happened on one route. */
export class RouteTally {
  /** Label value: the path from the configuration, never the one that was asked for. */
  readonly route: string;
  /** Requests by status. */
  readonly statuses: Map<number, number> = new Map();
  /** Requests per duration bucket, not cumulated; the last one has no upper bound. */
  readonly buckets: Uint32Array = new Uint32Array(DURATION_BUCKETS.length + 1);
  seconds = 0;
  count = 0;

  constructor(route: string) {
    this.route = route;
  }

  add(status: number, durationMs: number): void {
    this.statuses.set(status, (this.statuses.get(status) ?? 0) + 1);
    const seconds = durationMs / 1000;
    let bucket = 0;
    while (bucket < DURATION_BUCKETS.length && seconds > DURATION_BUCKETS[bucket]!) bucket += 1;
    this.buckets[bucket]! += 1;
    this.seconds += seconds;
    this.count += 1;
  }
}

/** What happened at one edge. */
export class Tally {
  /** By index of the route; the last one is for requests without. Routes of one path share theirs, as they share the label. */
  readonly routes: readonly RouteTally[];
  readonly refusals: Map<ErrorCode, number> = new Map();
  removedTxnTokens = 0;
  signatureChecks = 0;

  constructor(routes: readonly Route[]) {
    const byPath = new Map(routes.map(({ path }) => [path, new RouteTally(path)]));
    this.routes = [...routes.map(({ path }) => byPath.get(path)!), new RouteTally('none')];
  }

  answered(route: Route | undefined, status: number, durationMs: number): void {
    this.routes[route === undefined ? this.routes.length - 1 : route.index]!.add(status, durationMs);
  }

  refused(code: ErrorCode): void {
    this.refusals.set(code, (this.refusals.get(code) ?? 0) + 1);
  }
}
