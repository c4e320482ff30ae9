/** Routes whose tokens are verified later: where accepted requests wait, and who works on them. */
import * as v from 'valibot';
import type { Finding } from '../check.ts';
import type { GatewayConfig } from '../config.ts';
import { between, section, text } from '../forms.ts';
import { redisUrl } from '../redis-server.ts';

/** How much waits at most, and how much of it one issuer or client may hold. */
export interface DeferredLimitsConfig {
  readonly entries: number;
  readonly bytes: number;
  readonly issuerShare: number;
  readonly clientShare: number;
  /** Outcomes that are kept, and refusals of what was never verified: these are forgotten first. */
  readonly outcomes: number;
  readonly unverifiedOutcomes: number;
}

/** Where requests wait. Exactly one of `sqlite` and `redis` is given; the default is `deferred.db`. */
export interface DeferredQueueConfig {
  /** A file on a local file system, for the threads and processes of one machine. */
  readonly sqlite?: string | undefined;
  /** URL of a Redis server, for several machines. Without a password. */
  readonly redis?: string | undefined;
  /** File with the password of the Redis server. */
  readonly passwordFile?: string | undefined;
  /** First part of the key names in Redis. */
  readonly prefix?: string | undefined;
  /** What to do about a server that may lose what it has acknowledged: accept nothing (the default), or warn. */
  readonly durability?: 'require' | 'warn' | undefined;
  /** How many replicas must have a request before it counts as accepted. */
  readonly replicas?: number | undefined;
}

/** The section `deferred`. */
export interface DeferredConfig {
  readonly queue: DeferredQueueConfig;
  /** File with the secrets that seal what waits: 32 bytes each in base64 or hex, one a line, the first closes. */
  readonly sealKeyFile: string;
  readonly limits: DeferredLimitsConfig;
  /** Largest body of a request that is deferred. */
  readonly bodyBytes: number;
  /** Where clients ask what became of their requests. */
  readonly statusPath: string;
  readonly worker: {
    /** Requests under way at a time, per thread; 0: this process accepts only. */
    readonly concurrency: number;
    readonly leaseSeconds: number;
    readonly maxAttempts: number;
  };
  /** How long outcomes can be asked for. */
  readonly outcomesKeptSeconds: number;
}

/** What a route says of it. */
export interface RouteDeferralConfig {
  /** `deferred`: answered with 202 after the cheap checks; verified, authorized and carried out later. */
  readonly verification: 'inline' | 'deferred';
  /** How long after its acceptance a request may still begin to run. */
  readonly maxAgeSeconds?: number | undefined;
}

/** How long a deferred request may wait when its route does not say. */
export const DEFAULT_MAX_AGE_SECONDS = 3600;

/** The longest time for which a route lets requests wait, in milliseconds; 0: none does. */
export function longestDeferralMs(routes: readonly RouteDeferralConfig[]): number {
  const waits = routes.flatMap(({ verification, maxAgeSeconds = DEFAULT_MAX_AGE_SECONDS }) =>
    verification === 'deferred' ? [maxAgeSeconds * 1000] : [],
  );
  return Math.max(0, ...waits);
}

const share = v.pipe(v.number(), v.minValue(0.001, 'must be above 0'), v.maxValue(1, 'must be at most 1'));

/** Form and defaults of the section. */
export const deferred: v.GenericSchema<unknown, DeferredConfig> = section({
  queue: v.optional(
    section({
      sqlite: v.optional(text),
      redis: v.optional(redisUrl),
      passwordFile: v.optional(text),
      prefix: v.optional(v.pipe(text, v.regex(/^[^{}]+$/, 'must be text without braces'))),
      durability: v.optional(v.picklist(['require', 'warn'], 'must be require or warn')),
      replicas: v.optional(between(0, 100)),
    }),
    // For one machine, survives restarts.
    { sqlite: 'deferred.db' },
  ),
  sealKeyFile: text,
  limits: v.optional(
    section({
      entries: v.optional(between(1, 100_000_000), 100_000),
      bytes: v.optional(between(65_536, Number.MAX_SAFE_INTEGER), 268_435_456),
      issuerShare: v.optional(share, 0.5),
      clientShare: v.optional(share, 0.25),
      outcomes: v.optional(between(1, 100_000_000), 1_000_000),
      unverifiedOutcomes: v.optional(between(1, 100_000_000), 100_000),
    }),
    {},
  ),
  bodyBytes: v.optional(between(0, 67_108_864), 1_048_576),
  statusPath: v.optional(
    v.pipe(text, v.regex(/^(\/[A-Za-z0-9._~-]+)+$/, 'must be a path of plain segments, without a slash at the end')),
    '/.watchword/requests',
  ),
  worker: v.optional(
    section({
      concurrency: v.optional(between(0, 10_000), 32),
      leaseSeconds: v.optional(between(1, 3600), 60),
      maxAttempts: v.optional(between(1, 1000), 8),
    }),
    {},
  ),
  outcomesKeptSeconds: v.optional(between(1, 2_592_000), 86_400),
});

/** The entries of the schema of a route. */
export const routeDeferral: {
  readonly verification: v.OptionalSchema<
    v.GenericSchema<RouteDeferralConfig['verification'], RouteDeferralConfig['verification']>,
    'inline'
  >;
  readonly maxAgeSeconds: v.OptionalSchema<v.GenericSchema<number, number>, undefined>;
} = {
  verification: v.optional(v.picklist(['inline', 'deferred'], 'must be inline or deferred'), 'inline'),
  maxAgeSeconds: v.optional(between(1, 2_592_000)),
};

/** Rules about both. */
export function* checkDeferred({ deferred: settings, routes }: GatewayConfig): Generator<Finding> {
  if (settings !== undefined) yield* checkQueue(settings.queue);
  for (const [index, route] of routes.entries()) {
    const at = (name: string): (string | number)[] => ['routes', index, name];
    if (route.verification === 'inline') {
      if (route.maxAgeSeconds !== undefined) yield { path: at('maxAgeSeconds'), reason: 'goes with verification: deferred only' };
      continue;
    }
    if (settings === undefined) yield { path: at('verification'), reason: 'needs the section deferred' };
    if (route.public) yield { path: at('verification'), reason: 'a public route verifies nothing' };
    if (route.upstream === undefined)
      yield { path: at('verification'), reason: 'needs an upstream: nobody else can run it later' };
    if (route.stream || route.upgrade !== undefined)
      yield { path: at('verification'), reason: 'cannot be deferred where the client takes part in it' };
  }
}

function* checkQueue(queue: DeferredQueueConfig): Generator<Finding> {
  const path = ['deferred', 'queue'];
  if ((queue.sqlite === undefined) === (queue.redis === undefined)) {
    yield { path, reason: 'needs exactly one of sqlite and redis' };
  }
  if (queue.redis !== undefined) return;
  for (const name of ['passwordFile', 'prefix', 'durability', 'replicas'] as const) {
    if (queue[name] !== undefined) yield { path: [...path, name], reason: 'goes with redis only' };
  }
}
