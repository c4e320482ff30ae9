/** Whom to trust, and for what: the options of a verifier, checked once and frozen. */
import { createHash } from 'node:crypto';
import { type Clock, systemClock } from '../clock.ts';
import { identityOf } from '../object-identity.ts';
import { assertConfig } from '../errors.ts';
import { DEFAULT_MAX_TOKEN_BYTES } from '../jws/compact.ts';
import { ALGORITHMS, type AlgorithmName } from '../keys/algorithms.ts';
import { type SignatureChecks, inlineChecks } from '../jws/signature-checks.ts';
import type { KeySource } from '../keys/key-source.ts';
import { assertBetween, assertFunction, assertKnownOptions, assertPositive, assertText } from '../options.ts';
import { normalizeType } from './token-type.ts';
import type { ValidityRules } from './validity.ts';

/** What one issuer's tokens must look like. Issuer, audience, algorithms and keys have no default (JB-1, JB-10). */
export interface IssuerPolicy {
  /** Exact value of `iss` (AT-3). */
  readonly issuer: string;
  /** This service's own identifier, or several: the token's `aud` must contain one of them (AT-4). */
  readonly audience: string | readonly string[];
  /** Allow-list of signature algorithms (JB-1). */
  readonly algorithms: readonly AlgorithmName[];
  /** The issuer's keys. */
  readonly keys: KeySource;
  /** Accepted `typ` values; null stands for a token without one. Default `['at+jwt']` (AT-1, B11). */
  readonly tokenTypes?: readonly (string | null)[];
  /** Claims that must be there besides `iss`, `aud` and `exp`. Default: those of RFC 9068 (AT-8). */
  readonly requiredClaims?: readonly string[];
  /** Clock skew allowed, in seconds. Default 5, at most 300. */
  readonly toleranceSeconds?: number;
  /** Lifts the limit of 300 s on the tolerance. */
  readonly allowLargeTolerance?: boolean;
  /** Oldest accepted token, in seconds since `iat`, which is then required. Default: no limit. */
  readonly maxTokenAgeSeconds?: number;
}

/** Options of a verifier. */
export interface TrustPolicyOptions {
  /** At least one trusted issuer; each `issuer` once. */
  readonly issuers: readonly IssuerPolicy[];
  /** Size limit of a token, in characters, checked before anything else. Default 8192 (F6). */
  readonly maxTokenBytes?: number;
  /** How signatures are checked. Default: at once, on this thread. */
  readonly checks?: SignatureChecks;
  readonly clock?: Clock;
}

/** The rules of one issuer, normalized. */
export interface IssuerRules extends ValidityRules {
  readonly issuer: string;
  /** False only for Txn-Tokens, whose `iss` is optional (TT table of section 9.2). */
  readonly issuerClaim: 'required' | 'optional';
  readonly audiences: ReadonlySet<string>;
  readonly algorithms: ReadonlySet<string>;
  readonly keys: KeySource;
  readonly tokenTypes: ReadonlySet<string | null>;
  readonly requiredClaims: readonly string[];
}

/** A whole policy, normalized. */
export interface TrustPolicy {
  /** Digest over everything below. */
  readonly id: string;
  readonly issuers: ReadonlyMap<string, IssuerRules>;
  readonly maxTokenBytes: number;
  readonly checks: SignatureChecks;
  readonly clock: Clock;
}

/** RFC 9068 section 2.2, without the three that are always required. */
const ACCESS_TOKEN_CLAIMS = ['sub', 'client_id', 'iat', 'jti'];

const ISSUER_OPTIONS = [
  'issuer',
  'audience',
  'algorithms',
  'keys',
  'tokenTypes',
  'requiredClaims',
  'toleranceSeconds',
  'allowLargeTolerance',
  'maxTokenAgeSeconds',
];

/** Checks and freezes a policy. @throws WatchwordError `config_invalid` naming the place */
export function defineTrustPolicy(options: TrustPolicyOptions): TrustPolicy {
  assertKnownOptions(options, ['issuers', 'maxTokenBytes', 'checks', 'clock'], 'policy');
  assertConfig(Array.isArray(options.issuers) && options.issuers.length > 0, 'policy.issuers: must be a non-empty list');
  return sealPolicy(
    options.issuers.map((issuer, index) => readIssuer(issuer, `policy.issuers[${index}]`)),
    options,
  );
}

/** Makes a policy of normalized rules. @throws WatchwordError `config_invalid` */
export function sealPolicy(
  rules: readonly IssuerRules[],
  options: Pick<TrustPolicyOptions, 'maxTokenBytes' | 'checks' | 'clock'>,
): TrustPolicy {
  const issuers = new Map(rules.map((rule) => [rule.issuer, Object.freeze(rule)]));
  assertConfig(issuers.size === rules.length, 'policy.issuers: one issuer stands twice');
  const clock = assertFunction(options.clock ?? systemClock, 'policy.clock');
  const maxTokenBytes = assertBetween(options.maxTokenBytes ?? DEFAULT_MAX_TOKEN_BYTES, 1, 65_536, 'policy.maxTokenBytes');
  const checks = options.checks ?? inlineChecks;
  assertFunction(checks.check, 'policy.checks.check');
  return Object.freeze({ id: policyId(rules, maxTokenBytes, [clock, checks]), issuers, maxTokenBytes, checks, clock });
}

function readIssuer(issuer: IssuerPolicy, place: string): IssuerRules {
  assertKnownOptions(issuer, ISSUER_OPTIONS, place);
  const name = assertText(issuer.issuer, `${place}.issuer`);
  assertKeySource(issuer.keys, name, place);
  return {
    issuer: name,
    issuerClaim: 'required',
    audiences: textSet(typeof issuer.audience === 'string' ? [issuer.audience] : issuer.audience, `${place}.audience`),
    algorithms: algorithmSet(issuer.algorithms, `${place}.algorithms`),
    keys: issuer.keys,
    tokenTypes: typeSet(issuer.tokenTypes ?? ['at+jwt'], `${place}.tokenTypes`),
    requiredClaims: requiredClaims(issuer, place),
    toleranceSeconds: tolerance(issuer, place),
    maxTokenAgeSeconds:
      issuer.maxTokenAgeSeconds === undefined
        ? undefined
        : assertPositive(issuer.maxTokenAgeSeconds, `${place}.maxTokenAgeSeconds`),
  };
}

/** A key of issuer X never verifies issuer Y (B14): keys know whose they are. */
export function assertKeySource(keys: KeySource, issuer: string, place: string): void {
  assertConfig(typeof keys?.lookup === 'function' && typeof keys.load === 'function', `${place}.keys: must be a key source`);
  assertConfig(keys.issuer === issuer, `${place}.keys: belong to another issuer`);
}

/** Reads an allow-list. `none` is no algorithm here and so can't be in one (A1). @throws WatchwordError `config_invalid` */
export function algorithmSet(algorithms: unknown, place: string): ReadonlySet<string> {
  const names = textSet(algorithms, place);
  for (const name of names) assertConfig(ALGORITHMS.has(name), `${place}: not a supported algorithm`);
  // Whoever can verify an HMAC can make one; next to public keys in one list it invites confusion (A2).
  const kinds = new Set([...names].map((name) => ALGORITHMS.get(name)!.kty === 'oct'));
  assertConfig(kinds.size === 1, `${place}: HMAC and public-key algorithms must not be mixed`);
  return names;
}

function textSet(values: unknown, place: string): ReadonlySet<string> {
  assertConfig(Array.isArray(values) && values.length > 0, `${place}: is required and must not be empty`);
  return new Set(values.map((value: unknown) => assertText(value, place)));
}

function typeSet(types: unknown, place: string): ReadonlySet<string | null> {
  assertConfig(Array.isArray(types) && types.length > 0, `${place}: must be a non-empty list`);
  return new Set(types.map((type: unknown) => (type === null ? null : normalizeType(assertText(type, place)))));
}

function requiredClaims(issuer: IssuerPolicy, place: string): readonly string[] {
  const claims = issuer.requiredClaims ?? ACCESS_TOKEN_CLAIMS;
  assertConfig(Array.isArray(claims), `${place}.requiredClaims: must be a list`);
  for (const claim of claims) assertText(claim, `${place}.requiredClaims`);
  const always = ['iss', 'aud', 'exp', ...(issuer.maxTokenAgeSeconds === undefined ? [] : ['iat'])];
  return Object.freeze([...new Set([...always, ...claims])]);
}

function tolerance(issuer: IssuerPolicy, place: string): number {
  const most = issuer.allowLargeTolerance === true ? 86_400 * 365 : 300;
  return assertBetween(issuer.toleranceSeconds ?? 5, 0, most, `${place}.toleranceSeconds`);
}

function policyId(rules: readonly IssuerRules[], maxTokenBytes: number, parts: readonly object[]): string {
  const facts = rules.map((rule) => [
    rule.issuer,
    rule.issuerClaim,
    [...rule.audiences].sort(),
    [...rule.algorithms].sort(),
    rule.keys.id,
    identityOf(rule.keys),
    // null, which stands for no type, is not the type "null".
    [...rule.tokenTypes].map((type) => JSON.stringify(type)).sort(),
    [...rule.requiredClaims].sort(),
    rule.toleranceSeconds,
    rule.maxTokenAgeSeconds ?? null,
  ]);
  return createHash('sha256')
    .update(JSON.stringify([facts, maxTokenBytes, parts.map(identityOf)]))
    .digest('base64url');
}
