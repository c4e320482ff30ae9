/** What a route says about requests that last: streams of events, calls of gRPC that stream, WebSockets. */
import * as v from 'valibot';
import type { Finding } from '../check.ts';
import type { GatewayConfig } from '../config.ts';
import { between, section } from '../forms.ts';

/** When a stream ends that neither side ends. Revocation of a token that has not expired always ends it. */
export interface StreamsConfig {
  /** Longest life of one stream; undefined: no limit of its own. */
  readonly maxSeconds?: number | undefined;
  /** What happens when the token of the caller expires. */
  readonly atExpiry: 'end' | 'keep';
}

/** The settings of one route. */
export interface RouteStreamsConfig {
  /** Bodies and answers may go on for ever, in time and in size, and be silent for as long as they like. */
  readonly stream: boolean;
  /** What clients may change to on this route. */
  readonly upgrade?: 'websocket' | undefined;
  readonly streams: StreamsConfig;
}

/** The entries of the schema of a route. */
export const routeStreams: {
  readonly stream: v.OptionalSchema<v.BooleanSchema<undefined>, false>;
  readonly upgrade: v.OptionalSchema<v.GenericSchema<'websocket', 'websocket'>, undefined>;
  readonly streams: v.OptionalSchema<v.GenericSchema<Partial<StreamsConfig>, StreamsConfig>, Record<string, never>>;
} = {
  stream: v.optional(v.boolean(), false),
  upgrade: v.optional(v.picklist(['websocket'], 'must be websocket')),
  streams: v.optional(
    section({
      maxSeconds: v.optional(between(1, 31_536_000)),
      atExpiry: v.optional(v.picklist(['end', 'keep'], 'must be end or keep'), 'end'),
    }) as v.GenericSchema<Partial<StreamsConfig>, StreamsConfig>,
    {},
  ),
};

/** Broken rules about them. */
export function* checkRouteStreams({ routes, upstreams }: GatewayConfig): Generator<Finding> {
  for (const [index, { upgrade, upstream }] of routes.entries()) {
    const protocol = upstream !== undefined && Object.hasOwn(upstreams, upstream) ? upstreams[upstream]!.protocol : 'http1';
    if (upgrade !== undefined && protocol !== 'http1') {
      yield { path: ['routes', index, 'upgrade'], reason: 'needs an upstream with protocol: http1' };
    }
  }
}
