/** Verifies Txn-Tokens inside their trust domain (TT-26), as a preset of the general verifier. */
import { type CacheOptions, createCachedVerifier } from '../cache/cached-verifier.ts';
import type { Clock } from '../clock.ts';
import { assertConfig } from '../errors.ts';
import type { SignatureChecks } from '../jws/signature-checks.ts';
import type { AlgorithmName } from '../keys/algorithms.ts';
import type { KeySource } from '../keys/key-source.ts';
import { assertBetween, assertKnownOptions, assertText } from '../options.ts';
import { type Pipeline, createPipeline } from '../pipeline.ts';
import { createPolicyVerifier } from '../verify/create-verifier.ts';
import { algorithmSet, assertKeySource, sealPolicy } from '../verify/policy.ts';
import type { Verifier } from '../verify/verifier.ts';
import { VOUCHER_TYPE } from './voucher.ts';

/** What makes a Txn-Token good here. */
export interface TxnVerifierOptions {
  /** The trust domain: the only accepted `aud`, and the owner of the keys. */
  readonly trustDomain: string;
  /** Keys of the trust domain's Txn-Token service; their `issuer` is the trust domain. */
  readonly keys: KeySource;
  /** Default `['ES256']`. HMAC is refused: every verifier could mint (JO-10). */
  readonly algorithms?: readonly AlgorithmName[];
  /** Accepted value of `iss`, for tokens that have one. Default: tokens with `iss` must name the trust domain. */
  readonly issuer?: string;
  /** Clock skew allowed, in seconds. Default 5, at most 60: the tokens themselves live for minutes. */
  readonly toleranceSeconds?: number;
  /** How signatures are checked. Default: at once, on this thread. */
  readonly checks?: SignatureChecks;
  readonly clock?: Clock;
}

/** A verifier with a cache in front, as most services want it. */
export interface TxnPipelineOptions extends TxnVerifierOptions {
  /** False: verify each time. Default: a cache of 10000 tokens. */
  readonly cache?: CacheOptions | false;
}

const OPTIONS = ['trustDomain', 'keys', 'algorithms', 'issuer', 'toleranceSeconds', 'checks', 'clock'];

/** Section 9.2: REQUIRED claims; `iss` is optional. */
const REQUIRED_CLAIMS = ['iat', 'exp', 'aud', 'txn', 'sub', 'scope', 'req_wl'];

/** Builds a verifier of Txn-Tokens. @throws WatchwordError `config_invalid` naming the option */
export function createTxnVerifier(options: TxnVerifierOptions): Verifier {
  // TT-6, and so never an access token in the place of a Txn-Token (TT-28).
  return createTypedVerifier(options, 'txntoken+jwt', REQUIRED_CLAIMS);
}

/** Builds a verifier of vouchers, for a token service. @throws WatchwordError `config_invalid` naming the option */
export function createVoucherVerifier(options: TxnVerifierOptions): Verifier {
  return createTypedVerifier(options, VOUCHER_TYPE, [...REQUIRED_CLAIMS, 'jti', 'txn_topic']);
}

/** Builds the whole pipeline of a service behind the edge: `Txn-Token` in, identity out. @throws WatchwordError `config_invalid` */
export function createTxnPipeline(options: TxnPipelineOptions): Pipeline {
  const { cache = {}, ...rest } = options;
  const verifier = createTxnVerifier(rest);
  if (cache === false) return createPipeline({ source: 'txn-token', verifier });
  const { clock } = rest;
  return createPipeline({ source: 'txn-token', verifier: createCachedVerifier(verifier, withClock(cache, clock)) });
}

// Whatever is no options at all stays what it is, so that the cache refuses it.
function withClock(cache: CacheOptions, clock: Clock | undefined): CacheOptions {
  const isOptions = typeof cache === 'object' && cache !== null;
  return isOptions && clock !== undefined ? { clock, ...cache } : cache;
}

function createTypedVerifier(options: TxnVerifierOptions, tokenType: string, requiredClaims: readonly string[]): Verifier {
  assertKnownOptions(options, OPTIONS, 'txn');
  const trustDomain = assertText(options.trustDomain, 'txn.trustDomain');
  const algorithms = algorithmSet(options.algorithms ?? ['ES256'], 'txn.algorithms');
  assertConfig(![...algorithms].some((name) => name.startsWith('HS')), 'txn.algorithms: HMAC lets every verifier mint');
  assertKeySource(options.keys, trustDomain, 'txn');
  const rules = {
    issuer: assertText(options.issuer ?? trustDomain, 'txn.issuer'),
    issuerClaim: 'optional',
    audiences: new Set([trustDomain]),
    algorithms,
    keys: options.keys,
    tokenTypes: new Set([tokenType]),
    requiredClaims,
    toleranceSeconds: assertBetween(options.toleranceSeconds ?? 5, 0, 60, 'txn.toleranceSeconds'),
    maxTokenAgeSeconds: undefined,
  } as const;
  const { checks, clock } = options;
  return createPolicyVerifier(sealPolicy([rules], { ...(checks && { checks }), ...(clock && { clock }) }));
}
