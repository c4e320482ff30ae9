/** The section `tokenService`: where workloads exchange, ask about and take back tokens, and which of them may. */
import { ALGORITHMS } from '@watchword/core';
import * as v from 'valibot';
import type { Finding } from '../check.ts';
import type { EdgeAlgorithm, GatewayConfig, ListenConfig } from '../config.ts';
import { between, list, listen, section, text } from '../forms.ts';
import type { ConfigPath } from '../locate.ts';
import { type VouchersConfig, checkVouchers, vouchers } from './vouchers.ts';

/** How a client proves who it is (RFC 6749 section 2.3.1, RFC 7523, RFC 8705). */
export type ClientMethod = 'private_key_jwt' | 'client_secret_basic' | 'tls_client_auth';

/** What a client may do. `revoke` takes back its own tokens, `revoke-any` also those of others. */
export type ClientGrant = 'exchange' | 'replace' | 'introspect' | 'revoke' | 'revoke-any';

/** One workload. */
export interface TokenClientConfig {
  readonly id: string;
  readonly method: ClientMethod;
  /** `req_wl` of its tokens. Default: `id`. */
  readonly workload?: string | undefined;
  /** For private_key_jwt: its public keys, a JWK Set. They also verify its self-signed subject tokens (TT-12). */
  readonly jwksFile?: string | undefined;
  readonly algorithms: readonly EdgeAlgorithm[];
  /** For client_secret_basic: the secret, or `sha256:` and its digest in hexadecimal. */
  readonly secretFile?: string | undefined;
  /** For tls_client_auth: the one name that its certificate must have, such as a SPIFFE ID. */
  readonly certificate?: { readonly sanUri?: string | undefined; readonly sanDns?: string | undefined } | undefined;
  readonly grants: readonly ClientGrant[];
  /** Scopes that it may ask for. Default: whatever the subject token has. */
  readonly scopes?: readonly string[] | undefined;
  /** Members of request_context that it may assert for `rctx` (TT-18). */
  readonly requestContext: readonly string[];
  /** Members of request_details that it may assert for `tctx` (TT-18). */
  readonly requestDetails: readonly string[];
  /** Whether it may bring self-signed subject tokens (TT-12). */
  readonly selfSigned: boolean;
  /** Whether it checks itself that the sender of a bound token is its owner; such tokens are refused otherwise. */
  readonly checksPossession: boolean;
}

/** Where the ids of used client assertions are kept. */
export interface ReplayConfig {
  readonly sqlite?: string | undefined;
  readonly redis?: string | undefined;
  readonly passwordFile?: string | undefined;
}

/** The whole section. */
export interface TokenServiceConfig {
  readonly listen: ListenConfig;
  /** The identifier of the service (RFC 8414): an https URL; its path is where the endpoints are. */
  readonly issuer: string;
  readonly tls?: { readonly certFile: string; readonly keyFile: string; readonly clientCaFile?: string | undefined } | undefined;
  /** Permits to listen beyond this machine without TLS, where something in front provides it. */
  readonly allowInsecure: boolean;
  readonly clients: readonly TokenClientConfig[];
  /** Default: in memory, for one process. */
  readonly replay?: ReplayConfig | undefined;
  /** How often one Txn-Token may be replaced (TT-24). */
  readonly maxReplacements: number;
  /** For work that waits in queues. Default: no vouchers. */
  readonly vouchers?: VouchersConfig | undefined;
  readonly limits: {
    readonly concurrent: number;
    readonly batchItems: number;
    readonly batchBytes: number;
    readonly requestTimeoutMs: number;
  };
}

const GRANTS: ClientGrant[] = ['exchange', 'replace', 'introspect', 'revoke', 'revoke-any'];
const ASYMMETRIC = [...ALGORITHMS.values()].filter(({ kty }) => kty !== 'oct').map(({ name }) => name as EdgeAlgorithm);

const clientId = v.pipe(text, v.regex(/^[\x21-\x7e]+$/, 'must be printable ASCII without spaces'));
const scopeValue = v.pipe(v.string(), v.regex(/^[\x21\x23-\x5b\x5d-\x7e]+$/, 'must be one scope value of RFC 6749 section 3.3'));
const issuerUrl = v.pipe(
  text,
  v.check((value) => isIssuer(value), 'must be an https: URL without query, fragment or a slash at the end (RFC 8414 section 2)'),
);

const client = section({
  id: clientId,
  method: v.picklist(
    ['private_key_jwt', 'client_secret_basic', 'tls_client_auth'],
    'must be private_key_jwt, client_secret_basic or tls_client_auth',
  ),
  workload: v.optional(text),
  jwksFile: v.optional(text),
  algorithms: v.optional(list(v.picklist(ASYMMETRIC, `must be one of ${ASYMMETRIC.join(', ')}`)), ['ES256']),
  secretFile: v.optional(text),
  certificate: v.optional(section({ sanUri: v.optional(text), sanDns: v.optional(text) })),
  grants: v.optional(list(v.picklist(GRANTS, `must be one of ${GRANTS.join(', ')}`)), [
    'exchange',
    'replace',
    'introspect',
    'revoke',
  ]),
  scopes: v.optional(list(scopeValue)),
  requestContext: v.optional(v.array(text), []),
  requestDetails: v.optional(v.array(text), []),
  selfSigned: v.optional(v.boolean(), false),
  checksPossession: v.optional(v.boolean(), false),
});

/** The form of the section. */
export const tokenService: v.GenericSchema<unknown, TokenServiceConfig> = section({
  listen: v.optional(listen(8090), {}),
  issuer: issuerUrl,
  tls: v.optional(section({ certFile: text, keyFile: text, clientCaFile: v.optional(text) })),
  allowInsecure: v.optional(v.boolean(), false),
  clients: v.pipe(v.array(client), v.minLength(1, 'must not be empty: nobody could ask')),
  replay: v.optional(section({ sqlite: v.optional(text), redis: v.optional(text), passwordFile: v.optional(text) })),
  maxReplacements: v.optional(between(0, 32), 8),
  vouchers: v.optional(vouchers),
  limits: v.optional(
    section({
      concurrent: v.optional(between(1, 65_536), 256),
      batchItems: v.optional(between(1, 10_000), 1000),
      batchBytes: v.optional(between(1024, 67_108_864), 4_194_304),
      requestTimeoutMs: v.optional(between(100, 600_000), 10_000),
    }),
    {},
  ),
});

/** What does not fit together. */
export function* checkTokenService(config: GatewayConfig): Generator<Finding> {
  const { tokenService: service, control } = config;
  if (service === undefined) return;
  const at = (...path: (string | number)[]): ConfigPath => ['tokenService', ...path];
  if (config.txnToken === undefined) yield { path: at(), reason: 'needs the section txnToken, which says what it issues' };
  for (const other of [config.listen, control]) {
    const same = service.listen.port !== 0 && service.listen.port === other.port && service.listen.host === other.host;
    if (same) yield { path: at('listen', 'port'), reason: 'is that of another listener' };
  }
  if (service.tls === undefined && !service.allowInsecure && !LOOPBACK.test(service.listen.host)) {
    yield { path: at('listen', 'host'), reason: 'needs tls (TT-20), or allowInsecure: true behind something that provides it' };
  }
  if (Object.keys(service.replay ?? { sqlite: '' }).filter((name) => name !== 'passwordFile').length !== 1) {
    yield { path: at('replay'), reason: 'needs exactly one of sqlite and redis' };
  }
  yield* checkVouchers(service);
  for (const [index, entry] of service.clients.entries()) {
    if (service.clients.findIndex(({ id }) => id === entry.id) < index) {
      yield { path: at('clients', index, 'id'), reason: 'is listed twice' };
    }
    yield* checkClient(entry, service, (...path) => at('clients', index, ...path));
  }
}

const LOOPBACK = /^(127\.\d+\.\d+\.\d+|::1|localhost)$/;
const NEEDS = { private_key_jwt: 'jwksFile', client_secret_basic: 'secretFile', tls_client_auth: 'certificate' } as const;

function* checkClient(
  entry: TokenClientConfig,
  service: TokenServiceConfig,
  at: (...path: string[]) => ConfigPath,
): Generator<Finding> {
  for (const [method, name] of Object.entries(NEEDS)) {
    const isNeeded = method === entry.method || (name === 'jwksFile' && entry.selfSigned);
    if (isNeeded && entry[name] === undefined) yield { path: at(), reason: `needs ${name}` };
    if (!isNeeded && entry[name] !== undefined) yield { path: at(name), reason: `does not go with method ${entry.method}` };
  }
  if (entry.selfSigned && entry.scopes === undefined) {
    yield { path: at('selfSigned'), reason: 'needs scopes: what it says of itself would be the only bound otherwise' };
  }
  if (entry.certificate !== undefined && Object.keys(entry.certificate).length !== 1) {
    yield { path: at('certificate'), reason: 'needs exactly one of sanUri and sanDns' };
  }
  if (entry.method === 'tls_client_auth' && service.tls?.clientCaFile === undefined) {
    yield { path: at('method'), reason: 'needs tls.clientCaFile, which says whose certificates count' };
  }
}

function isIssuer(value: string): boolean {
  const url = URL.parse(value);
  const isPlain = url !== null && url.search === '' && url.username === '' && url.password === '' && !/[?#]|\/$/.test(value);
  if (!isPlain || !/^(\/[A-Za-z0-9._~-]+)*\/?$/.test(url.pathname)) return false;
  return url.protocol === 'https:' || (url.protocol === 'http:' && LOOPBACK.test(url.hostname));
}
