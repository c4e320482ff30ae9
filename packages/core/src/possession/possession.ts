/**
 * Whether the sender of a bound token is the one it was issued to. Evaluated on every request, after the cache and never cached
 * with it (invariant 1). The binding ends at the edge: what is minted from the token is a bearer token of the inside (WI-8).
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { HeaderSource } from '../carrier/carrier.ts';
import { WatchwordError, assertConfig } from '../errors.ts';
import { assertKnownOptions } from '../options.ts';
import type { JsonObject } from '../verify/verified-token.ts';
import type { VerifiedToken } from '../verify/verified-token.ts';
import { type DpopOptions, type ProofCheck, createProofCheck } from './dpop-proof.ts';
import type { Sender, TokenScheme } from './sender.ts';

/** Which proofs are understood. A token that asks for another one is refused. */
export interface PossessionOptions {
  /** Demonstrated possession of a key (RFC 9449). */
  readonly dpop?: DpopOptions;
  /** Tokens bound to the client certificate of the connection (RFC 8705). */
  readonly mutualTls?: boolean;
}

/** A token on its way in, and how it came. */
export interface Presented {
  readonly token: VerifiedToken;
  readonly compact: string;
  readonly scheme: TokenScheme;
  readonly headers: HeaderSource;
  /** Undefined: the transport knows nothing of it, so no proof can be right. */
  readonly sender: Sender | undefined;
}

/** Checks proofs of possession. */
export interface Possession {
  /**
   * Returns for tokens without a binding that came as bearer tokens, and for bound ones whose proof is right.
   * @throws WatchwordError `sender_constrained`, `proof_invalid`, `token_replayed`, `replay_unavailable`; also as a rejection
   */
  check(presented: Presented): void | Promise<void>;
}

/** Confirmation methods (RFC 7800 section 3.1) that are understood. */
const JKT = 'jkt';
const CERTIFICATE = 'x5t#S256';

/** Builds the check. @throws WatchwordError `config_invalid` */
export function createPossession(options: PossessionOptions): Possession {
  assertKnownOptions(options, ['dpop', 'mutualTls'], 'possession');
  const { dpop, mutualTls = false } = options;
  assertConfig(typeof mutualTls === 'boolean', 'possession.mutualTls: must be true or false');
  assertConfig(dpop !== undefined || mutualTls, 'possession: give dpop, mutualTls or both');
  const proofs = dpop === undefined ? undefined : createProofCheck(dpop);
  return { check: (presented) => checkBinding(presented, proofs, mutualTls) };
}

/**
 * For whoever takes tokens in a way in which no proof can come with them: a bound token must not pass as a plain one (WI-7, WI-8).
 * @throws WatchwordError `sender_constrained`
 */
export function assertUnbound(token: VerifiedToken): void {
  if (token.claims.cnf !== undefined) throw new WatchwordError('sender_constrained');
}

function checkBinding(presented: Presented, proofs: ProofCheck | undefined, mutualTls: boolean): void | Promise<void> {
  const { token, scheme, sender } = presented;
  const cnf = token.claims.cnf as JsonObject | undefined;
  if (cnf === undefined) {
    // Whoever says DPoP wants the token to be bound; one that is not could be anybody's.
    if (scheme === 'dpop') throw new WatchwordError('sender_constrained', 'A token without a key came with the scheme DPoP');
    return;
  }
  assertUnderstood(cnf, proofs !== undefined, mutualTls);
  if (CERTIFICATE in cnf) assertCertificate(cnf[CERTIFICATE], sender);
  // RFC 9449 section 7.1: such a token is never accepted as a bearer token, whoever sends it (WI-7).
  if (JKT in cnf !== (scheme === 'dpop')) {
    throw new WatchwordError('sender_constrained', 'The scheme of the Authorization field is not the one of the token');
  }
  return JKT in cnf ? proofs!.check(presented, cnf[JKT]) : undefined;
}

// All of them must hold, so one that nobody here can check refuses the token.
function assertUnderstood(cnf: JsonObject, dpop: boolean, mutualTls: boolean): void {
  const members = Object.keys(cnf);
  const understood = members.every((member) => (member === JKT && dpop) || (member === CERTIFICATE && mutualTls));
  if (members.length === 0 || !understood) throw new WatchwordError('sender_constrained');
}

// RFC 8705 section 3.1: the SHA-256 thumbprint of the certificate's DER form (WI-6).
function assertCertificate(expected: unknown, sender: Sender | undefined): void {
  if (sender?.clientCertificate === undefined) {
    throw new WatchwordError('sender_constrained', 'The token is bound to a client certificate, and none came');
  }
  const actual = createHash('sha256').update(sender.clientCertificate).digest('base64url');
  if (typeof expected !== 'string' || !equal(expected, actual)) {
    throw new WatchwordError('sender_constrained', 'The token is bound to another client certificate');
  }
}

function equal(left: string, right: string): boolean {
  const [one, other] = [Buffer.from(left), Buffer.from(right)];
  return one.length === other.length && timingSafeEqual(one, other);
}
