/** Every setting of the gateway with its form, its default and its reason, as one table. */
import { ALGORITHMS } from '@watchword/core';
import * as v from 'valibot';
import { trustedProxies } from './sections/trusted-proxies.ts';
import { isCanonicalHost } from '../routing/canonical-host.ts';
import { hasOneSpelling } from '../routing/canonical-path.ts';
import type { EdgeAlgorithm, GatewayConfig } from './config.ts';
import { between, list, milliseconds, section, text } from './forms.ts';
import { redisUrl } from './redis-server.ts';
import { signingKeysSchema } from './sections/signing-keys.ts';
import { upstream } from './sections/upstreams.ts';
import { decisionService } from './sections/decision-service.ts';
import { control } from './sections/control.ts';
import { edgeListen } from './sections/listen.ts';
import { deferred, routeDeferral } from './sections/deferred.ts';
import { possession } from './sections/possession.ts';
import { tokenService } from './sections/token-service.ts';
import { routeStreams } from './sections/route-streams.ts';

// Tokens of strangers are not verified with a shared secret: the edge would be able to make them.
const ASYMMETRIC = [...ALGORITHMS.values()].filter((algorithm) => algorithm.kty !== 'oct').map((algorithm) => algorithm.name);
const algorithm = v.picklist(ASYMMETRIC as EdgeAlgorithm[], `must be one of ${ASYMMETRIC.join(', ')}`);

const httpUrl = v.pipe(
  text,
  v.check((value) => isHttpUrl(value), 'must be an http: or https: URL without user, password or fragment'),
  v.metadata({ pattern: '^[Hh][Tt][Tt][Pp][Ss]?:' }),
);
const scope = v.pipe(v.string(), v.regex(/^[\x21\x23-\x5b\x5d-\x7e]+$/, 'must be one scope value of RFC 6749 section 3.3'));
const method = v.pipe(
  v.string(),
  v.regex(/^[A-Z][A-Z-]*$/, 'must be an HTTP method in capitals'),
  v.check((value) => value !== 'CONNECT' && value !== 'TRACE', 'is never forwarded'),
  v.metadata({ not: { enum: ['CONNECT', 'TRACE'] } }),
);
const host = v.pipe(
  text,
  v.check(isCanonicalHost, 'must be a host in lower case without a port'),
  v.metadata({ pattern: '^(\\[[0-9A-Fa-f:.]+\\]|[a-z0-9_.-]+)$' }),
);
const path = v.pipe(
  text,
  v.startsWith('/', 'must start with a slash'),
  v.check(
    isRoutePath,
    'must consist of segments of A-Z a-z 0-9 - . _ ~, with /* at the end for everything below, and no . or ..',
  ),
  v.metadata({ pattern: '^(/(?!\\.{1,2}(/|$))[A-Za-z0-9._~-]+)*(/\\*?)?$', minLength: 1 }),
);

const statusLists = section({
  uris: list(httpUrl),
  whenStale: v.optional(v.picklist(['refuse', 'accept'], 'must be refuse or accept'), 'refuse'),
  required: v.optional(v.boolean(), false),
});

const issuer = section({
  issuer: text,
  audience: v.union([text, list(text)], 'must be a string or a list of strings'),
  algorithms: list(algorithm),
  jwksUrl: v.optional(httpUrl),
  discovery: v.optional(v.picklist(['oidc', 'oauth'], 'must be oidc or oauth')),
  jwksFile: v.optional(text),
  pemFile: v.optional(text),
  keyId: v.optional(text),
  tokenTypes: v.optional(list(v.nullable(text))),
  requiredClaims: v.optional(v.array(text)),
  toleranceSeconds: v.optional(between(0, 300)),
  maxTokenAgeSeconds: v.optional(between(1, 31_536_000)),
  allowInsecure: v.optional(v.boolean(), false),
  allowHosts: v.optional(list(text)),
  retentionSeconds: v.optional(between(0, 2_592_000), 0),
  statusLists: v.optional(statusLists),
});

const txnToken = section({
  trustDomain: text,
  requestingWorkload: v.optional(text, 'watchword-gateway'),
  algorithm: v.optional(algorithm, 'ES256'),
  keyFile: v.optional(text),
  keyId: v.optional(text),
  keys: v.optional(signingKeysSchema),
  lifetimeSeconds: v.optional(between(5, 300), 60),
  reuseWindowSeconds: v.optional(between(0, 299)),
  claims: v.optional(v.record(text, text), {}),
});

// Below that the log would have to be asked all the time.
const staleAfterMs = between(100, 86_400_000);
const whenStale = v.picklist(['refuse', 'accept'], 'must be refuse or accept');

const revocation = section({
  log: section({
    sqlite: v.optional(text),
    redis: v.optional(redisUrl),
    passwordFile: v.optional(text),
    prefix: v.optional(v.pipe(text, v.regex(/^[^{}]+$/, 'must be text without braces'))),
    memory: v.optional(v.literal(true, 'must be true, or left out')),
  }),
  staleAfterMs: v.optional(staleAfterMs, 5000),
  whenStale: v.optional(whenStale, 'refuse'),
});

const route = section({
  path,
  host: v.optional(host),
  methods: v.optional(list(method)),
  upstream: v.optional(text),
  public: v.optional(v.boolean(), false),
  scopes: v.optional(list(scope)),
  reuse: v.optional(v.picklist(['window', 'per-request'], 'must be window or per-request'), 'window'),
  revocation: v.optional(section({ staleAfterMs: v.optional(staleAfterMs), whenStale: v.optional(whenStale) })),
  ...routeStreams,
  ...routeDeferral,
});

const limits = section({
  headerBytes: v.optional(between(1024, 1_048_576), 16_384),
  bodyBytes: v.optional(between(0, Number.MAX_SAFE_INTEGER), 10_485_760),
  tokenBytes: v.optional(between(64, 65_536), 8192),
  headersTimeoutMs: v.optional(milliseconds, 10_000),
  requestTimeoutMs: v.optional(milliseconds, 30_000),
  keepAliveTimeoutMs: v.optional(milliseconds, 65_000),
  stallTimeoutMs: v.optional(milliseconds, 30_000),
  connections: v.optional(between(1, 1_000_000), 16_384),
  concurrentRequests: v.optional(between(1, 1_000_000), 16_384),
  drainDelayMs: v.optional(between(0, 600_000), 0),
  shutdownTimeoutMs: v.optional(between(0, 3_600_000), 10_000),
});

/** The schema of the whole file. Unknown settings are refused everywhere. */
export const CONFIG_SCHEMA: v.GenericSchema<unknown, GatewayConfig> = section({
  listen: v.optional(edgeListen, {}),
  control: v.optional(control, {}),
  issuers: v.optional(v.array(issuer), []),
  txnToken: v.optional(txnToken),
  cache: v.optional(
    section({
      maxEntries: v.optional(between(1, 10_000_000), 10_000),
      maxBytes: v.optional(between(65_536, Number.MAX_SAFE_INTEGER)),
    }),
    {},
  ),
  verification: v.optional(
    section({
      adaptive: v.optional(v.boolean(), true),
      maxWaiting: v.optional(between(1, 1_000_000), 1024),
      maxWaitMs: v.optional(between(1, 60_000), 250),
      burstMs: v.optional(between(0, 60_000), 2000),
    }),
    {},
  ),
  revocation: v.optional(revocation),
  possession: v.optional(possession),
  deferred: v.optional(deferred),
  tokenService: v.optional(tokenService),
  threads: v.optional(between(1, 64), 1),
  trustedProxies: v.optional(trustedProxies),
  watch: v.optional(v.boolean(), false),
  sharedTable: v.optional(section({ entries: v.optional(between(0, 16_777_216), 131_072) })),
  decisionService: v.optional(decisionService),
  upstreams: v.optional(
    v.record(v.pipe(v.string(), v.regex(/^[A-Za-z0-9][A-Za-z0-9._-]*$/, 'must be a name of letters, digits, . _ -')), upstream),
    {},
  ),
  routes: v.optional(v.array(route), []),
  limits: v.optional(limits, {}),
  log: v.optional(
    section({
      level: v.optional(
        v.picklist(['trace', 'debug', 'info', 'warn', 'error', 'silent'], 'must be trace, debug, info, warn, error or silent'),
        'info',
      ),
    }),
    {},
  ),
});

function isHttpUrl(value: string): boolean {
  const url = URL.parse(value);
  return (
    url !== null &&
    !/\s/.test(value) &&
    /^https?:$/.test(url.protocol) &&
    url.username === '' &&
    url.password === '' &&
    url.hash === ''
  );
}

// One spelling only, so that comparing bytes is comparing paths (E6, E7).
function isRoutePath(value: string): boolean {
  const literal = value.endsWith('/*') ? value.slice(0, -1) : value;
  if (!hasOneSpelling(literal)) return false;
  const segments = literal.split('/').slice(1);
  return segments.every(
    (segment, index) => segment !== '.' && segment !== '..' && (segment !== '' || index === segments.length - 1),
  );
}
