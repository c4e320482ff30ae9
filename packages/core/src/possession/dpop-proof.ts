/** DPoP proofs (RFC 9449 section 4.3): a JWS per request, signed with the key that the token is bound to. */
import { createHash } from 'node:crypto';
import { type Clock, readClock, systemClock } from '../clock.ts';
import { WatchwordError } from '../errors.ts';
import { decodeBase64url } from '../jws/base64url.ts';
import { type CompactJws, parseCompact } from '../jws/compact.ts';
import { verifySignature } from '../jws/signature.ts';
import { parseStrictObject } from '../jws/strict-json.ts';
import { assertBetween, assertFunction, assertKnownOptions } from '../options.ts';
import type { SpentTokens } from '../replay/spent-tokens.ts';
import type { JsonObject } from '../verify/verified-token.ts';
import type { Presented } from './possession.ts';
import { type ProofKey, ProofKeys } from './proof-keys.ts';
import { ProofMemory } from './proof-memory.ts';
import { isSameResource } from './same-resource.ts';

/** How proofs are judged. */
export interface DpopOptions {
  /** Greatest age of a proof, in seconds. Default 60. */
  readonly maxAgeSeconds?: number;
  /** How far a client's clock may run ahead, in seconds. Default 5. */
  readonly toleranceSeconds?: number;
  /** Proofs that can be remembered at a time; one more is refused with 503. Default 100,000. Without meaning when `spent` is given. */
  readonly maxProofs?: number;
  /** Where used proofs are noted when several threads or machines accept them. Default: in the memory of this one. */
  readonly spent?: SpentTokens;
  readonly clock?: Clock;
}

/** The check of one proof. */
export interface ProofCheck {
  /** @throws WatchwordError `proof_invalid`, `token_replayed`, `replay_unavailable`; also as a rejection */
  check(presented: Presented, jkt: unknown): void | Promise<void>;
}

/** Generous for a proof with an RSA key; a proof is read on every request. */
const MAX_PROOF_CHARACTERS = 4096;
const MAX_DEPTH = 8;

/** Builds the check. @throws WatchwordError `config_invalid` */
export function createProofCheck(options: DpopOptions): ProofCheck {
  const place = 'possession.dpop';
  assertKnownOptions(options, ['maxAgeSeconds', 'toleranceSeconds', 'maxProofs', 'spent', 'clock'], place);
  const maxAgeSeconds = assertBetween(options.maxAgeSeconds ?? 60, 1, 300, `${place}.maxAgeSeconds`);
  const toleranceSeconds = assertBetween(options.toleranceSeconds ?? 5, 0, 60, `${place}.toleranceSeconds`);
  const maxProofs = assertBetween(options.maxProofs ?? 100_000, 1, 10_000_000, `${place}.maxProofs`);
  const clock = assertFunction(options.clock ?? systemClock, `${place}.clock`);
  const keys = new ProofKeys();
  // As long as a proof with the same iat could come again, however clocks differ.
  const keepMs = (maxAgeSeconds + toleranceSeconds) * 1000;
  const memory = new ProofMemory(maxProofs, keepMs);
  return {
    check(presented, jkt) {
      const nowMs = readClock(clock);
      const proof = readProof(presented);
      const key = keys.of(proof.header);
      // RFC 9449 section 6.1: the key of the proof is the one that the token is bound to.
      if (key.thumbprint !== jkt) throw invalid('the key is not the one of the token');
      const payload = decodeBase64url(proof.payloadSegment);
      if (!verifySignature(proof.signingInput, proof.signature, key.key)) throw invalid('the signature does not verify');
      keys.remember(proof.header, key);
      const claims = parseStrictObject(payload, MAX_DEPTH);
      assertClaims(claims, presented);
      assertFresh(claims.iat, nowMs, maxAgeSeconds, toleranceSeconds);
      const id = idOf(key, claims);
      return options.spent === undefined ? memory.use(id, nowMs) : useOnce(options.spent, id, nowMs + 2 * keepMs);
    },
  };
}

function readProof({ headers }: Presented): CompactJws {
  const values = headers.values('dpop');
  // RFC 9449 section 4.3, check 1. A joined duplicate shows as a comma, which no proof contains.
  if (values.length !== 1) throw invalid(`${values.length} DPoP fields`);
  const [text] = values as [string];
  if (text.length > MAX_PROOF_CHARACTERS) throw invalid('it is too long');
  try {
    const proof = parseCompact(text);
    if (proof.header.typ !== 'dpop+jwt') throw invalid('typ is not dpop+jwt');
    return proof;
  } catch (cause) {
    throw cause instanceof WatchwordError && cause.code === 'proof_invalid' ? cause : invalid('it is not a JWS', cause);
  }
}

function assertClaims(claims: JsonObject, { compact, sender }: Presented): void {
  if (sender?.uri === undefined) throw invalid('the address of the request is not known here');
  const { htm, htu, jti, ath } = claims;
  if (typeof jti !== 'string' || jti === '' || jti.length > 1024) throw invalid('jti is missing, or no string of decent length');
  if (htm !== sender.method) throw invalid('htm is not the method of the request');
  if (typeof htu !== 'string' || !isSameResource(htu, sender.uri)) throw invalid('htu is not the address of the request');
  // RFC 9449 section 4.2: binds the proof to this very token.
  if (ath !== createHash('sha256').update(compact, 'latin1').digest('base64url'))
    throw invalid('ath is not the hash of the token');
}

function assertFresh(iat: unknown, nowMs: number, maxAgeSeconds: number, toleranceSeconds: number): void {
  const ageSeconds = typeof iat === 'number' ? nowMs / 1000 - iat : NaN;
  if (!(ageSeconds >= -toleranceSeconds && ageSeconds <= maxAgeSeconds))
    throw invalid('iat is missing, too old or ahead of time');
}

// Unique for its key (RFC 9449 section 4.2 asks for less). Hashed, so that no client decides how long the memory's keys are.
function idOf({ thumbprint }: ProofKey, { jti }: JsonObject): string {
  return createHash('sha256')
    .update(JSON.stringify(['dpop', thumbprint, jti]))
    .digest('base64url');
}

async function useOnce(spent: SpentTokens, id: string, keepUntilMs: number): Promise<void> {
  let isFirst: boolean;
  try {
    isFirst = await spent.spend(id, keepUntilMs);
  } catch (cause) {
    throw new WatchwordError('replay_unavailable', undefined, { cause });
  }
  if (isFirst !== true) throw new WatchwordError('token_replayed', 'The DPoP proof was used before');
}

function invalid(reason: string, cause?: unknown): WatchwordError {
  return new WatchwordError('proof_invalid', `DPoP proof: ${reason}`, cause === undefined ? undefined : { cause });
}
