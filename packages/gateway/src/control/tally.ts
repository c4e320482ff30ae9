/** Plain counters, cheap enough for every request; turned into metrics only when somebody asks. */
import type { ErrorCode } from '@watchword/core';
import { type HopMeter, createHopMeter } from '@watchword/http2';
import type { ServiceTally } from '../services/service-tally.ts';
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

/** What happened on the routes of one configuration. */
export class RouteTallies {
  /** By index of the route; the last one is for requests without. Routes of one path share theirs, as they share the label. */
  readonly all: readonly RouteTally[];

  /** @param earlier what was counted for the same paths goes on */
  constructor(routes: readonly Route[], earlier: RouteTallies | undefined) {
    const byPath = new Map<string, RouteTally>(earlier?.all.map((tally) => [tally.route, tally]));
    const tallyOf = (path: string): RouteTally => {
      const tally = byPath.get(path) ?? new RouteTally(path);
      byPath.set(path, tally);
      return tally;
    };
    this.all = [...routes.map(({ path }) => tallyOf(path)), tallyOf('none')];
  }

  answered(route: Route | undefined, status: number, durationMs: number): void {
    this.all[route === undefined ? this.all.length - 1 : route.index]!.add(status, durationMs);
  }
}

/** What happened at one edge, whatever the configuration. */
export class Tally {
  readonly refusals: Map<ErrorCode, number> = new Map();
  removedTxnTokens = 0;
  signatureChecks = 0;
  /** Requests that have run for longer than a second. */
  openStreams = 0;
  /** Streams that the edge ended, by error code. */
  readonly endedStreams: Map<ErrorCode, number> = new Map();
  /** Requests that run. */
  running = 0;
  /** Connections that were one too many. */
  turnedAway = 0;
  /** Octets on the clients' connections. */
  readonly clients: HopMeter = createHopMeter('clients');
  /** Decisions for other proxies. */
  readonly services: ServiceTally[] = [];

  refused(code: ErrorCode): void {
    this.refusals.set(code, (this.refusals.get(code) ?? 0) + 1);
  }
}
