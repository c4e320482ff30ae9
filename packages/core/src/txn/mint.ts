/** Makes Txn-Tokens (draft-ietf-oauth-transaction-tokens) from verified subject tokens, and reuses them for a short while. */
import { randomBytes as systemRandomBytes } from 'node:crypto';
import { type Clock, readClock, systemClock } from '../clock.ts';
import { INITIAL_TABLE_BYTES, checkTxnTokenEntry } from '../carrier/header-table.ts';
import { WatchwordError, assertConfig } from '../errors.ts';
import { encodeBase64url } from '../jws/base64url.ts';
import { signJws } from '../jws/jws.ts';
import { type PublicJwk, SigningKey } from '../keys/signing-key.ts';
import { type SigningKeys, fixedSigningKeys } from '../keys/signing-keys.ts';
import { assertBetween, assertFunction, assertKnownOptions, assertText } from '../options.ts';
import { assertWithin } from '../verify/validity.ts';
import { type JsonObject, VerifiedToken } from '../verify/verified-token.ts';
import { type ClaimsMapping, assertMapping, mapClaims } from './claims-mapping.ts';
import { grantedScope, tokenId } from './granted.ts';
import { replacementClaims } from './replace.ts';
import { ReuseWindow } from './reuse-window.ts';
import { type RedemptionRequest, VOUCHER_TYPE, type VoucherRequest, redeemedClaims, voucherClaims } from './voucher.ts';

/** The Txn-Token service of one trust domain (TT-1, TT-2). */
export interface TxnMinterOptions {
  /** Value of `aud`: the trust domain in which the tokens are good. */
  readonly trustDomain: string;
  /** Signs the tokens: one key, or several that take turns. Never an HMAC key (JO-10). */
  readonly key: SigningKey | SigningKeys;
  /** Value of `req_wl`: the workload that asks for the tokens. */
  readonly requestingWorkload: string;
  /** Seconds from issuance to `exp`, 5 to 300 (TT-3); never beyond the time for which the subject token is accepted. Default 60. */
  readonly lifetimeSeconds?: number;
  /**
   * Seconds during which equal requests get the same token, so that caches and header tables downstream can work. 0: a token
   * for each request. Must be less than the lifetime. Default 30, or half the lifetime if that is shorter.
   */
  readonly reuseWindowSeconds?: number;
  /** Extra claims to carry. Default none. */
  readonly claims?: ClaimsMapping;
  /** Value of `iss`, which is optional (TT table of section 9.2). Default: left out. */
  readonly issuer?: string;
  /** Whether each token has a `jti`, so that one alone can be revoked (TT-10, a profile). Costs 42 characters. Default false. */
  readonly tokenIds?: boolean;
  /** How often a token may be replaced by another one, 0 to 32 (TT-24). Default 8. */
  readonly maxReplacements?: number;
  readonly clock?: Clock;
  readonly randomBytes?: (size: number) => Uint8Array;
}

/** What a Txn-Token is asked for. */
export interface TxnRequest {
  /** The verified external token. */
  readonly subject: VerifiedToken;
  /** Scope wanted; must be granted by the subject token. Default: all of it. */
  readonly scopes?: readonly string[];
  /** `rctx`: the environment of the request, as the minter asserts it (TT-18). */
  readonly requestContext?: JsonObject;
  /** `tctx`: authorization details of the transaction. */
  readonly transactionContext?: JsonObject;
  /** False: a token of its own, whatever the reuse window. Default true. */
  readonly reuse?: boolean;
  /** `req_wl`: the workload that asks. Default: that of the minter. */
  readonly requestingWorkload?: string;
}

/** Mints Txn-Tokens. */
export interface TxnMinter {
  /**
   * The compact Txn-Token for a request.
   * @throws WatchwordError `token_expired` (TT-4), `scope_unknown`, `scope_insufficient` (TT-17), `mint_failed`,
   * `signing_unavailable` when no key may sign now
   */
  mint(request: TxnRequest): string;
  /**
   * A replacement (TT-24): `subject` is a verified Txn-Token of this domain. It can only narrow: fewer scopes, no later end; the
   * transaction, the principal, the audience, the mapped claims and all context values stay, and context values may be added. Never
   * from the reuse window.
   * @throws WatchwordError `token_expired`, `scope_unknown`, `scope_insufficient`, `claim_invalid` for a token that was replaced as
   * often as it may be, `request_malformed` for a context value that would change, `mint_failed`,
   * `signing_unavailable`
   */
  replace(request: TxnRequest): string;
  /**
   * A voucher for work that will wait in a queue (TT-34): never good as a Txn-Token. It ends no later than the key that signs it is
   * published.
   * @throws WatchwordError `token_expired`, `scope_unknown`, `scope_insufficient`, `claim_invalid`, `mint_failed`,
   * `signing_unavailable`
   */
  issueVoucher(request: VoucherRequest): string;
  /**
   * The Txn-Token that a verified voucher is worth now. Whether it may be redeemed once more is the caller's to know.
   * @throws WatchwordError as `issueVoucher`, and `audience_mismatch` for another topic
   */
  redeemVoucher(request: RedemptionRequest): string;
  /** The public keys, for publication as a JWK Set: also those that will sign soon, and those whose tokens are still good. */
  jwks(): { readonly keys: readonly PublicJwk[] };
  /** How many tokens were signed, and how many requests got one that was there. */
  stats(): { readonly minted: number; readonly reused: number };
}

const OPTIONS = [
  'trustDomain',
  'key',
  'requestingWorkload',
  'lifetimeSeconds',
  'reuseWindowSeconds',
  'claims',
  'issuer',
  'tokenIds',
  'maxReplacements',
  'clock',
  'randomBytes',
];

/** Builds a minter. @throws WatchwordError `config_invalid` naming the option */
export function createTxnMinter(options: TxnMinterOptions): TxnMinter {
  const settings = readOptions(options);
  const window = new ReuseWindow(settings.reuseWindowSeconds * 1000, settings.keys);
  return {
    mint(request) {
      if (!VerifiedToken.is(request.subject)) throw new WatchwordError('mint_failed', 'The subject token is not verified');
      const nowMs = readClock(settings.clock);
      if (!request.subject.isWithin(nowMs)) assertWithin(request.subject.window, nowMs);
      const reusable = request.reuse === false ? undefined : window.find(request, nowMs);
      return reusable ?? window.keep(request, nowMs, sign(request, settings, nowMs));
    },
    replace(request) {
      const nowMs = readClock(settings.clock);
      const claims = replacementClaims(request, settings, nowMs);
      return window.keep({ ...request, reuse: false }, nowMs, seal(claims, settings, nowMs));
    },
    issueVoucher(request) {
      const nowMs = readClock(settings.clock);
      return seal(voucherClaims(request, settings, nowMs), settings, nowMs, VOUCHER_TYPE).compact;
    },
    redeemVoucher(request) {
      const nowMs = readClock(settings.clock);
      const claims = redeemedClaims(request, settings, nowMs);
      return window.keep({ subject: request.subject, reuse: false }, nowMs, seal(claims, settings, nowMs));
    },
    jwks: () => ({ keys: settings.keys.published(readClock(settings.clock)).map((key) => key.publicJwk()) }),
    stats: () => window.stats(),
  };
}

/** A Txn-Token that was just signed. */
export interface MintedToken {
  readonly compact: string;
  readonly expiresAtMs: number;
  readonly key: SigningKey;
}

/** The options of a minter with their defaults. */
export type MinterSettings = Required<Omit<TxnMinterOptions, 'issuer' | 'key'>> & {
  readonly issuer: string | undefined;
  readonly keys: SigningKeys;
};

function sign(request: TxnRequest, settings: MinterSettings, nowMs: number): MintedToken {
  const { subject } = request;
  const iat = Math.floor(nowMs / 1000);
  // TT-4 permits to outlive the subject token; here it never outlives the time for which that one is accepted.
  const exp = Math.min(iat + settings.lifetimeSeconds, Math.floor(subject.window.expiresAtMs / 1000));
  if (exp <= iat) throw new WatchwordError('token_expired', 'The subject token ends too soon for a Txn-Token');
  if (subject.claims.sub === undefined) throw new WatchwordError('mint_failed', 'The subject token has no sub');
  const claims = {
    ...(settings.issuer === undefined ? {} : { iss: settings.issuer }),
    iat,
    exp,
    aud: settings.trustDomain,
    txn: encodeBase64url(settings.randomBytes(16)),
    sub: subject.claims.sub,
    scope: grantedScope(request),
    req_wl: request.requestingWorkload ?? settings.requestingWorkload,
    ...mapClaims(settings.claims, subject.claims),
    ...tokenId(settings),
    ...(request.transactionContext === undefined ? {} : { tctx: request.transactionContext }),
    ...(request.requestContext === undefined ? {} : { rctx: request.requestContext }),
  };
  return seal(claims, settings, nowMs);
}

function seal(
  claims: JsonObject & { readonly exp: number },
  settings: MinterSettings,
  nowMs: number,
  typ = 'txntoken+jwt',
): MintedToken {
  const { key, tokensUntilMs } = settings.keys.current(nowMs);
  // A token never outlives the publication of the key that signs it.
  const exp = Math.min(claims.exp, Math.floor(tokensUntilMs / 1000));
  const compact = signJws(Buffer.from(JSON.stringify({ ...claims, exp })), { typ }, key);
  assertSize(compact);
  return { compact, expiresAtMs: exp * 1000, key };
}

/** Txn-Token BCP: not above 4 KB. */
const MAX_COMPACT_LENGTH = 4096;

function assertSize(compact: string): void {
  // Above 3031 characters a table of the initial size does not index it any more (ND-3).
  checkTxnTokenEntry('minter', compact.length, INITIAL_TABLE_BYTES);
  if (compact.length <= MAX_COMPACT_LENGTH) return;
  throw new WatchwordError(
    'mint_failed',
    `The Txn-Token has ${compact.length} characters, more than ${MAX_COMPACT_LENGTH}: map fewer claims`,
  );
}

function readOptions(options: TxnMinterOptions): MinterSettings {
  assertKnownOptions(options, OPTIONS, 'minter');
  const lifetimeSeconds = assertBetween(options.lifetimeSeconds ?? 60, 5, 300, 'minter.lifetimeSeconds');
  const reuse = options.reuseWindowSeconds ?? Math.min(30, lifetimeSeconds / 2);
  assertMapping(options.claims ?? {});
  return {
    trustDomain: assertText(options.trustDomain, 'minter.trustDomain'),
    keys: readKeys(options.key),
    requestingWorkload: assertText(options.requestingWorkload, 'minter.requestingWorkload'),
    lifetimeSeconds,
    reuseWindowSeconds: assertBetween(reuse, 0, lifetimeSeconds - 1, 'minter.reuseWindowSeconds'),
    claims: options.claims ?? {},
    tokenIds: options.tokenIds ?? false,
    maxReplacements: assertBetween(options.maxReplacements ?? 8, 0, 32, 'minter.maxReplacements'),
    issuer: options.issuer === undefined ? undefined : assertText(options.issuer, 'minter.issuer'),
    clock: assertFunction(options.clock ?? systemClock, 'minter.clock'),
    randomBytes: assertFunction(options.randomBytes ?? systemRandomBytes, 'minter.randomBytes'),
  };
}

function readKeys(key: SigningKey | SigningKeys): SigningKeys {
  if (key instanceof SigningKey) return fixedSigningKeys(key);
  assertConfig(
    typeof key?.current === 'function' && typeof key.published === 'function' && typeof key.isPublished === 'function',
    'minter.key: make it with createSigningKey, generateSigningKey or createSigningKeySet',
  );
  return key;
}
