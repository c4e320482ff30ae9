/** The section `upstreams`: where requests go, over which protocol, and what happens when a target is not well. */
import * as v from 'valibot';
import { between, list, milliseconds, section, text } from '../forms.ts';
import type { Finding } from '../check.ts';
import type { GatewayConfig } from '../config.ts';
import type { ConfigPath } from '../locate.ts';

/** What is spoken with an upstream. */
export type UpstreamProtocol = 'http1' | 'h2' | 'h2c' | 'grpc';

/** How the two sides of a TLS connection to an upstream know each other. */
export interface UpstreamTlsConfig {
  /** Certificates (PEM) that are trusted instead of those of Node. */
  readonly caFile?: string | undefined;
  /** Our certificate (PEM), for mutual TLS. */
  readonly certFile?: string | undefined;
  /** Its private key (PEM). */
  readonly keyFile?: string | undefined;
  /** The name that the certificate of the upstream must have. Default: the host of its URL. */
  readonly serverName?: string | undefined;
}

/** A question that is asked of each target now and then (active health check). */
export interface HealthConfig {
  /** Path of a GET that a healthy target answers with 2xx. Exactly one of `path` and `grpcService` is given. */
  readonly path?: string | undefined;
  /** Service to ask `grpc.health.v1.Health/Check` for; empty: the whole server. */
  readonly grpcService?: string | undefined;
  readonly intervalMs: number;
  readonly timeoutMs: number;
  /** Good answers in a row that bring a target back. */
  readonly healthyThreshold: number;
  /** Bad ones in a row that take it out. */
  readonly unhealthyThreshold: number;
}

/** When a target is left alone for a while because of how it answered (passive health check). */
export interface EjectionConfig {
  /** Failures in a row. 0: never. */
  readonly failures: number;
  /** The first time out; it doubles with each one that follows. */
  readonly baseMs: number;
  readonly maxMs: number;
  /** Greatest share of the targets that are out at a time. The last one never is. */
  readonly maxPercent: number;
}

/** One upstream. Exactly one of `url` and `targets` is given. */
export interface UpstreamConfig {
  /** Origin: scheme, host and port, no path. */
  readonly url?: string | undefined;
  /** Several origins that do the same work. */
  readonly targets?: readonly string[] | undefined;
  readonly protocol: UpstreamProtocol;
  readonly tls?: UpstreamTlsConfig | undefined;
  /** HTTP/1.1: connections to each target. */
  readonly connections: number;
  /** HTTP/2: connections to each target. */
  readonly sessions: number;
  /** HTTP/2: streams at a time on each connection; the target may allow fewer. */
  readonly maxConcurrentStreams: number;
  /** HTTP/2: callers whose Txn-Tokens the header table of each connection has room for, if the target allows it. */
  readonly callers: number;
  /** HTTP/2: octets of the header table, instead of what `callers` comes to. */
  readonly headerTableBytes?: number | undefined;
  /** HTTP/2: longest silence on a connection with requests before it is asked whether it is still there; 0: never. */
  readonly pingMs: number;
  /** Requests that may wait for a place; one more is refused with 503. */
  readonly maxWaiting: number;
  /** Places that bodies still arriving from one client may hold. Default: half of them. */
  readonly uploadsPerClient?: number | undefined;
  /** Until there is a connection, waiting for a free one included: 504 when it can't be made, 503 when none gets free. */
  readonly connectTimeoutMs: number;
  /** Until the response header is there; 0: no limit. */
  readonly responseTimeoutMs: number;
  /** Longest silence inside a response body; 0: no limit. */
  readonly bodyTimeoutMs: number;
  /** How often one request is tried again, where that is safe. */
  readonly retries: number;
  /** Share of the requests that retries may add, so that they cannot multiply an outage. */
  readonly retryPercent: number;
  readonly health?: HealthConfig | undefined;
  readonly ejection: EjectionConfig;
}

const origin = v.pipe(
  text,
  v.check((value) => isHttp(value), 'must be an http: or https: URL without user, password or fragment'),
  v.check((value) => isOrigin(value), 'must be an origin: scheme, host and port, no path or query'),
  v.metadata({ pattern: '^[Hh][Tt][Tt][Pp][Ss]?:[^?]+$' }),
);

const tls = section({
  caFile: v.optional(text),
  certFile: v.optional(text),
  keyFile: v.optional(text),
  serverName: v.optional(text),
});

const health = section({
  path: v.optional(v.pipe(text, v.regex(/^\/[!-~]*$/, 'must be a path that starts with a slash'))),
  grpcService: v.optional(v.pipe(v.string(), v.regex(/^[\w.]*$/, 'must be the name of a gRPC service'))),
  intervalMs: v.optional(between(10, 86_400_000), 5000),
  timeoutMs: v.optional(milliseconds, 1000),
  healthyThreshold: v.optional(between(1, 100), 2),
  unhealthyThreshold: v.optional(between(1, 100), 3),
});

const ejection = section({
  failures: v.optional(between(0, 10_000), 5),
  baseMs: v.optional(milliseconds, 1000),
  maxMs: v.optional(milliseconds, 60_000),
  maxPercent: v.optional(between(0, 100), 50),
});

/** 0 stands for no limit. */
const orNever = between(0, 86_400_000);

/** The schema of one upstream. */
export const upstream: v.GenericSchema<unknown, UpstreamConfig> = section({
  url: v.optional(origin),
  targets: v.optional(list(origin)),
  protocol: v.optional(v.picklist(['http1', 'h2', 'h2c', 'grpc'], 'must be http1, h2, h2c or grpc'), 'http1'),
  tls: v.optional(tls),
  connections: v.optional(between(1, 65_536), 128),
  sessions: v.optional(between(1, 1024), 1),
  maxConcurrentStreams: v.optional(between(1, 65_536), 256),
  callers: v.optional(between(1, 1_000_000), 1000),
  headerTableBytes: v.optional(between(4096, 268_435_456)),
  // Servers of gRPC take more than one ping in five minutes for an attack.
  pingMs: v.optional(orNever, 300_000),
  maxWaiting: v.optional(between(0, 1_000_000), 1024),
  uploadsPerClient: v.optional(between(1, 1_000_000)),
  connectTimeoutMs: v.optional(milliseconds, 2000),
  responseTimeoutMs: v.optional(orNever, 30_000),
  bodyTimeoutMs: v.optional(orNever, 30_000),
  retries: v.optional(between(0, 3), 1),
  retryPercent: v.optional(between(0, 100), 20),
  health: v.optional(health),
  ejection: v.optional(ejection, {}),
});

/** The origins of an upstream, in the order of the file. */
export function targetsOf({ url, targets = [] }: UpstreamConfig): readonly string[] {
  return url === undefined ? targets : [url];
}

/** Broken rules between the settings of each upstream. */
export function* checkUpstreams({ upstreams }: Pick<GatewayConfig, 'upstreams'>): Generator<Finding> {
  for (const [name, config] of Object.entries(upstreams)) yield* checkUpstream(config, name);
}

function* checkUpstream(config: UpstreamConfig, name: string): Generator<Finding> {
  const at = (...path: (string | number)[]): ConfigPath => ['upstreams', name, ...path];
  if ((config.url === undefined) === (config.targets === undefined)) {
    yield { path: at(), reason: 'needs exactly one of url and targets' };
  }
  yield* checkProtocol(config, at);
  yield* checkTls(config, at);
  if (config.health !== undefined && (config.health.path === undefined) === (config.health.grpcService === undefined)) {
    yield { path: at('health'), reason: 'needs exactly one of path and grpcService' };
  }
  if (config.health?.grpcService !== undefined && config.protocol !== 'grpc') {
    yield { path: at('health', 'grpcService'), reason: 'goes with protocol: grpc only' };
  }
  if (config.ejection.maxMs < config.ejection.baseMs) {
    yield { path: at('ejection', 'maxMs'), reason: 'must not be below baseMs' };
  }
}

type At = (...path: (string | number)[]) => ConfigPath;

function* checkProtocol(config: UpstreamConfig, at: At): Generator<Finding> {
  const { protocol, url } = config;
  const wanted = protocol === 'h2' ? 'https:' : protocol === 'h2c' ? 'http:' : undefined;
  for (const [index, target] of targetsOf(config).entries()) {
    if (wanted === undefined || URL.parse(target)?.protocol === wanted) continue;
    yield {
      path: url === undefined ? at('targets', index) : at('url'),
      reason: `must be an ${wanted} URL with protocol: ${protocol}`,
    };
  }
  if (protocol === 'http1' && config.headerTableBytes !== undefined) {
    yield { path: at('headerTableBytes'), reason: 'goes with HTTP/2 only' };
  }
}

function* checkTls(config: UpstreamConfig, at: At): Generator<Finding> {
  const { tls: settings } = config;
  if (settings === undefined) return;
  if (!targetsOf(config).some((target) => URL.parse(target)?.protocol === 'https:')) {
    yield { path: at('tls'), reason: 'goes with https: only' };
  }
  if ((settings.certFile === undefined) !== (settings.keyFile === undefined)) {
    yield { path: at('tls'), reason: 'certFile goes with keyFile only, and the other way round' };
  }
}

function isHttp(value: string): boolean {
  const url = URL.parse(value);
  return url !== null && /^https?:$/.test(url.protocol) && url.username === '' && url.password === '' && url.hash === '';
}

function isOrigin(value: string): boolean {
  const url = URL.parse(value);
  return url !== null && url.pathname === '/' && url.search === '' && !value.includes('?');
}
