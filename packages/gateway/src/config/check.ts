/** Rules that hold between settings. */
import { laxPath } from '../routing/router.ts';
import type { GatewayConfig, IssuerConfig, RouteConfig } from './config.ts';
import type { ConfigPath } from './locate.ts';
import { checkSigningKeys } from './sections/signing-keys.ts';
import { checkUpstreams } from './sections/upstreams.ts';
import { checkDecisionService } from './sections/decision-service.ts';
import { checkTls } from './sections/listen.ts';
import { checkDeferred } from './sections/deferred.ts';
import { checkPossession } from './sections/possession.ts';
import { checkTokenService } from './sections/token-service.ts';
import { checkRouteStreams } from './sections/route-streams.ts';

/** One broken rule. */
export interface Finding {
  readonly path: ConfigPath;
  readonly reason: string;
}

/** All broken rules, in the order of the file. */
export function checkConfig(config: GatewayConfig): Finding[] {
  return [
    ...checkListeners(config),
    ...checkTls(config.listen),
    ...checkRouteStreams(config),
    ...config.issuers.flatMap((issuer, index) => [...checkIssuer(issuer, index, config)]),
    ...checkTxnToken(config),
    ...checkRevocation(config),
    ...checkThreads(config),
    ...checkPossession(config),
    ...checkDeferred(config),
    ...checkUpstreams(config),
    ...checkDecisionService(config),
    ...checkTokenService(config),
    ...checkHasRoutes(config),
    ...config.routes.flatMap((route, index) => [
      ...checkRoute(route, index, config),
      ...checkAgainstEarlier(route, index, config),
    ]),
  ];
}

function* checkListeners({ listen, control }: GatewayConfig): Generator<Finding> {
  if (listen.port !== 0 && listen.port === control.port && listen.host === control.host) {
    yield { path: ['control', 'port'], reason: 'must differ from listen.port: metrics are not for clients' };
  }
}

function* checkIssuer(issuer: IssuerConfig, index: number, config: GatewayConfig): Generator<Finding> {
  const at = (...path: (string | number)[]): ConfigPath => ['issuers', index, ...path];
  if (config.issuers.findIndex((other) => other.issuer === issuer.issuer) < index) {
    yield { path: at('issuer'), reason: 'is listed twice' };
  }
  const sources = SOURCES.filter((name) => issuer[name] !== undefined);
  if (sources.length !== 1) yield { path: at(), reason: 'needs exactly one of jwksUrl, discovery, jwksFile and pemFile' };
  yield* checkFetching(issuer, at);
  if (issuer.pemFile !== undefined && issuer.algorithms.length !== 1) {
    yield { path: at('algorithms'), reason: 'must name exactly one algorithm for the one key in pemFile' };
  }
  if (issuer.keyId !== undefined && issuer.pemFile === undefined) yield { path: at('keyId'), reason: 'goes with pemFile only' };
}

const SOURCES = ['jwksUrl', 'discovery', 'jwksFile', 'pemFile'] as const;

function* checkFetching(issuer: IssuerConfig, at: (...path: (string | number)[]) => ConfigPath): Generator<Finding> {
  const reason = 'must be https: (allowInsecure: true permits http: for tests on one machine)';
  if (!issuer.allowInsecure) {
    if (issuer.jwksUrl?.startsWith('http:')) yield { path: at('jwksUrl'), reason };
    for (const [index, uri] of (issuer.statusLists?.uris ?? []).entries()) {
      if (uri.startsWith('http:')) yield { path: at('statusLists', 'uris', index), reason };
    }
  }
  const fetchesKeys = issuer.jwksUrl !== undefined || issuer.discovery !== undefined;
  if (issuer.retentionSeconds > 0 && !fetchesKeys) yield { path: at('retentionSeconds'), reason: 'goes with fetched keys only' };
  if (issuer.allowHosts !== undefined && !fetchesKeys && issuer.statusLists === undefined) {
    yield { path: at('allowHosts'), reason: 'goes with what is fetched only' };
  }
}

function* checkTxnToken({ txnToken }: GatewayConfig): Generator<Finding> {
  if (txnToken === undefined) return;
  if ((txnToken.reuseWindowSeconds ?? 0) >= txnToken.lifetimeSeconds) {
    yield { path: ['txnToken', 'reuseWindowSeconds'], reason: 'must be shorter than lifetimeSeconds' };
  }
  if (txnToken.keys !== undefined) {
    for (const { path, reason } of checkSigningKeys(txnToken.keys, txnToken)) yield { path: ['txnToken', ...path], reason };
  }
  if (txnToken.keyId !== undefined && txnToken.keyFile === undefined) {
    yield { path: ['txnToken', 'keyId'], reason: 'goes with keyFile only' };
  }
}

function* checkRevocation({ revocation }: GatewayConfig): Generator<Finding> {
  if (revocation === undefined) return;
  const { log } = revocation;
  const kinds = (['sqlite', 'redis', 'memory'] as const).filter((name) => log[name] !== undefined);
  if (kinds.length !== 1) yield { path: ['revocation', 'log'], reason: 'needs exactly one of sqlite, redis and memory' };
  for (const name of ['passwordFile', 'prefix'] as const) {
    if (log[name] !== undefined && log.redis === undefined) {
      yield { path: ['revocation', 'log', name], reason: 'goes with redis only' };
    }
  }
}

function* checkThreads({ threads, sharedTable, revocation }: GatewayConfig): Generator<Finding> {
  if (threads > 1 && revocation?.log.memory === true) {
    yield {
      path: ['revocation', 'log', 'memory'],
      reason: `is seen by one thread only, and there are ${threads}: name a sqlite file`,
    };
  }
  if (sharedTable === undefined) return;
  if (threads === 1) yield { path: ['sharedTable'], reason: 'goes with threads above 1 only' };
  if (sharedTable.entries > 0 && sharedTable.entries < 16) {
    yield { path: ['sharedTable', 'entries'], reason: 'must be at least 16, or 0 for none' };
  }
}

function* checkHasRoutes({ routes, tokenService }: GatewayConfig): Generator<Finding> {
  if (routes.length > 0 || tokenService !== undefined) return;
  yield { path: ['routes'], reason: 'must not be empty: without routes every request is refused' };
}

function* checkRoute(route: RouteConfig, index: number, config: GatewayConfig): Generator<Finding> {
  const at = (...path: string[]): ConfigPath => ['routes', index, ...path];
  if (route.upstream === undefined) {
    if (config.decisionService === undefined) yield { path: at('upstream'), reason: 'is required without a decisionService' };
  } else if (!Object.hasOwn(config.upstreams, route.upstream)) {
    yield { path: at('upstream'), reason: `is not one of the upstreams: ${Object.keys(config.upstreams).join(', ') || 'none'}` };
  }
  if (route.public && route.scopes !== undefined) yield { path: at('scopes'), reason: 'a public route cannot ask for scopes' };
  if (route.revocation !== undefined && (route.public || config.revocation === undefined)) {
    const reason = route.public ? 'a public route takes no token that could be revoked' : 'needs the section revocation';
    yield { path: at('revocation'), reason };
  }
  if (route.public) return;
  if (config.issuers.length === 0) yield { path: at(), reason: 'needs a token, but there are no issuers (or set public: true)' };
  if (config.txnToken === undefined)
    yield { path: at(), reason: 'needs a token, but there is no txnToken section (or set public: true)' };
}

function* checkAgainstEarlier(route: RouteConfig, index: number, { routes }: GatewayConfig): Generator<Finding> {
  for (const [position, other] of routes.slice(0, index).entries()) {
    if (other.host !== route.host || laxPath(other.path) !== laxPath(route.path)) continue;
    if (other.path !== route.path) {
      // Many servers take both for one path; the edge could then be asked for the weaker of two policies (E6).
      yield { path: ['routes', index, 'path'], reason: `differs from routes[${position}].path only in case or a trailing slash` };
    } else if (sharesMethod(other, route)) {
      yield { path: ['routes', index], reason: `has the path and a method of routes[${position}]` };
    }
  }
}

function sharesMethod(one: RouteConfig, other: RouteConfig): boolean {
  if (one.methods === undefined || other.methods === undefined) return one.methods === other.methods;
  return one.methods.some((method) => other.methods?.includes(method));
}
