/** A compiled route: what the configuration says, in the form the stages need. */
import type { FreshnessRequirement, Requirement } from '@watchword/core';
import type { StreamsConfig } from '../config/sections/route-streams.ts';

/** One entry of the route table. Frozen. */
export interface Route {
  /** Position in the configuration; also its slot in the metrics. */
  readonly index: number;
  /** Exact path, or a prefix ending in `/*`. Safe as a metric label: it comes from the configuration. */
  readonly path: string;
  /** Canonical host it is limited to; undefined: any. */
  readonly host: string | undefined;
  /** Methods it accepts; undefined: every method. GET includes HEAD (RFC 9110 section 9.3.2). */
  readonly methods: readonly string[] | undefined;
  /** Name of the upstream; undefined: another proxy forwards. */
  readonly upstream: string | undefined;
  /** Public routes need no token and get none. */
  readonly public: boolean;
  /** What the caller must have been granted. */
  readonly requirement: Requirement;
  /** How current the revocations must be; undefined: nobody can revoke. */
  readonly freshness: Required<FreshnessRequirement> | undefined;
  /** Whether a Txn-Token may serve several requests of the same caller for a short window. */
  readonly reuse: boolean;
  /** Bodies and answers may go on for ever. */
  readonly stream: boolean;
  readonly upgrade: 'websocket' | undefined;
  /** How long after its acceptance a request may begin to run; undefined: it is verified and forwarded at once. */
  readonly deferredForMs: number | undefined;
  /** When a stream ends that neither side ends. */
  readonly streams: StreamsConfig;
}

/** What looking for a route found: deny by default. */
export type RouteMatch =
  | { readonly kind: 'found'; readonly route: Route }
  | { readonly kind: 'method'; readonly allow: string }
  | { readonly kind: 'none' };
