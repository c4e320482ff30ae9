/** What the gateway would say to a token, in the same steps: extract, verify, exchange. */
import {
  type ErrorCode,
  type JsonObject,
  type TxnMinter,
  type VerifiedToken,
  type WatchwordError,
  createPipeline,
  fromRecord,
  systemClock,
  toWatchwordError,
} from '@watchword/core';
import { type GatewayConfig, createMinter, createTrust } from '@watchword/gateway';
import { withRevocations } from './revoked.ts';

/** What a token says about itself. Nothing of it was checked. */
export interface UnverifiedFacts {
  readonly algorithm?: unknown;
  readonly type?: unknown;
  readonly keyId?: unknown;
  readonly issuer?: unknown;
  readonly audience?: unknown;
  readonly notBefore?: unknown;
  readonly expires?: unknown;
}

/** The token is refused. */
export interface Refused {
  readonly accepted: false;
  readonly checkedAt: string;
  /** `verify`, or `exchange` for a good token that no Txn-Token can be made of. */
  readonly stage: 'verify' | 'exchange';
  readonly code: ErrorCode;
  /** The requirement that was broken. */
  readonly rule: string;
  readonly reason: string;
  /** The status that a client of the gateway sees. */
  readonly status: number;
  readonly unverified: UnverifiedFacts;
}

/** The token is accepted. */
export interface Accepted {
  readonly accepted: true;
  readonly checkedAt: string;
  readonly issuer: string;
  readonly keyId: string | null;
  readonly algorithm: string;
  readonly type: string | null;
  /** Names only. */
  readonly claims: readonly string[];
  /** ISO 8601, tolerance included; null: no limit. */
  readonly validFrom: string | null;
  readonly validUntil: string | null;
  readonly tokenBytes: number;
  /** What would travel on; undefined without a `txnToken` section. */
  readonly txnToken?: { readonly bytes: number; readonly claims: JsonObject };
}

/** The answer to "is this token good here?". */
export type Verdict = Accepted | Refused;

/** Whether nothing was found out about the token: keys, revocations or status lists could not be had. */
export function isUndecided(verdict: Verdict): boolean {
  return !verdict.accepted && verdict.status === 503;
}

/**
 * Judges a token, revocations included.
 * @param file the name of the configuration
 * @param atSeconds the time to judge for; undefined: now
 * @throws ConfigError when there is nothing to judge by
 */
export async function judge(token: string, config: GatewayConfig, file: string, atSeconds: number | undefined): Promise<Verdict> {
  const clock = atSeconds === undefined ? systemClock : () => atSeconds * 1000;
  const trust = createTrust(config, { clock });
  if (trust === undefined) throw new Error('The configuration trusts no issuer, so there is nothing to verify with');
  const minter = createMinter(config, clock);
  const checkedAt = new Date(clock()).toISOString();
  let verified: VerifiedToken;
  try {
    verified = await withRevocations(trust.verifier, config, file, async (verifier) => {
      const pipeline = createPipeline({ source: 'bearer', verifier });
      return (await pipeline.authenticate(fromRecord({ authorization: `Bearer ${token}` }))).token;
    });
  } catch (thrown) {
    return refused(toWatchwordError(thrown), 'verify', checkedAt, token);
  }
  try {
    return accepted(verified, token, checkedAt, minter);
  } catch (thrown) {
    return refused(toWatchwordError(thrown), 'exchange', checkedAt, token);
  }
}

function accepted(token: VerifiedToken, compact: string, checkedAt: string, minter: TxnMinter | undefined): Accepted {
  const { header, claims, issuer, window } = token;
  const facts: Accepted = {
    accepted: true,
    checkedAt,
    issuer,
    keyId: header.kid ?? null,
    algorithm: header.alg,
    type: header.typ ?? null,
    claims: Object.keys(claims).sort(),
    validFrom: isoTime(window.notBeforeMs),
    validUntil: isoTime(window.expiresAtMs),
    tokenBytes: compact.length,
  };
  if (minter === undefined) return facts;
  const txnToken = minter.mint({ subject: token });
  return { ...facts, txnToken: { bytes: txnToken.length, claims: decodeSegment(txnToken, 1) as JsonObject } };
}

function refused(error: WatchwordError, stage: Refused['stage'], checkedAt: string, token: string): Refused {
  // Not about the token at all: a defect or a broken clock has no verdict.
  if (error.facts.http === 500 && error.code !== 'mint_failed') throw error;
  const { rule, http } = error.facts;
  return {
    accepted: false,
    checkedAt,
    stage,
    code: error.code,
    rule,
    reason: error.message,
    status: http,
    unverified: unverifiedFacts(token),
  };
}

// Only to tell the operator what came in; no decision looks at it.
function unverifiedFacts(token: string): UnverifiedFacts {
  const header = decodeSegment(token, 0);
  const claims = decodeSegment(token, 1);
  const facts: Record<string, unknown> = {
    algorithm: header?.alg,
    type: header?.typ,
    keyId: header?.kid,
    issuer: claims?.iss,
    audience: claims?.aud,
    notBefore: claims?.nbf,
    expires: claims?.exp,
  };
  return Object.fromEntries(Object.entries(facts).filter(([, value]) => value !== undefined));
}

function decodeSegment(token: string, index: number): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(token.split('.', 4)[index] ?? '', 'base64url').toString('utf8'));
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

function isoTime(milliseconds: number): string | null {
  return Number.isFinite(milliseconds) && Math.abs(milliseconds) <= 8.64e15 ? new Date(milliseconds).toISOString() : null;
}
