/** Subject tokens: which kind is verified how. The type that a client names picks the verifier, never the look of the token (TE-3). */
import { type CachedVerifier, type VerifiedToken, type Verifier, WatchwordError } from '@watchword/core';
import { OAuthError } from './oauth-error.ts';

const PREFIX = 'urn:ietf:params:oauth:token-type:';
/** What is issued here. */
export const TXN_TOKEN_TYPE: string = `${PREFIX}txn_token`;

/** What a Txn-Token is exchanged for before its work waits in a queue: a type of our own (TT-11, TT-34). */
export const VOUCHER_TOKEN_TYPE = 'urn:watchword:token-type:txn_voucher';

/** The kinds that are accepted (TT-11). */
export type SubjectKind = 'external' | 'txn' | 'self-signed' | 'voucher';

// Not here: id_token (another audience and other claims, JB-13), saml1 and saml2 (no parser), unsigned_json (nothing unverified
// becomes an identity, invariant 8), and refresh_token, which TT-11 forbids.
const KINDS: ReadonlyMap<string, SubjectKind> = new Map([
  [`${PREFIX}access_token`, 'external'],
  [`${PREFIX}jwt`, 'external'],
  [TXN_TOKEN_TYPE, 'txn'],
  [VOUCHER_TOKEN_TYPE, 'voucher'],
  [`${PREFIX}self_signed`, 'self-signed'],
]);

/** The verifiers of a token service. */
export interface Subjects {
  /** Verifies a token of a kind. @throws WatchwordError, OAuthError (as a rejection) */
  verify(kind: SubjectKind, token: string, selfSigned?: Verifier): Promise<VerifiedToken>;
  /** Many at once: the outcome of each, in their order. One that is bad fails no other. */
  verifyMany(kind: SubjectKind, tokens: readonly string[]): Promise<readonly PromiseSettledResult<VerifiedToken>[]>;
}

/** Where they come from. */
export interface SubjectsOptions {
  /** External tokens; undefined: there are no issuers. */
  readonly external: CachedVerifier | undefined;
  readonly txn: CachedVerifier;
  /** Vouchers; undefined: there are none. */
  readonly voucher: Verifier | undefined;
  /** Throws while too little is known of revocations. */
  readonly assertFresh: () => void;
}

/** Builds them. */
export function createSubjects({ external, txn, voucher, assertFresh }: SubjectsOptions): Subjects {
  const verify: Subjects['verify'] = async (kind, token, selfSigned) => {
    if (kind === 'self-signed') return verifySelfSigned(token, selfSigned);
    if (kind === 'voucher') return verifyVoucher(token, voucher, assertFresh);
    const verifier = kind === 'txn' ? txn : external;
    if (verifier === undefined) throw new WatchwordError('issuer_not_trusted');
    const verified = verifier.recall(token) ?? (await verifier.verify(token));
    assertFresh();
    return verified;
  };
  return {
    verify,
    // A verifier that takes many tokens at once drops in here.
    verifyMany: (kind, tokens) => Promise.allSettled(tokens.map((token) => verify(kind, token))),
  };
}

/** The kind that a type stands for. @throws OAuthError `invalid_request` */
export function kindOf(type: string): SubjectKind {
  const kind = KINDS.get(type);
  if (kind === undefined) throw new OAuthError('invalid_request', 'This subject_token_type is not accepted');
  return kind;
}

async function verifySelfSigned(token: string, verifier: Verifier | undefined): Promise<VerifiedToken> {
  if (verifier === undefined) throw new OAuthError('unauthorized_client', 'The client may not bring self-signed tokens');
  return verifier.verify(token);
}

// Never from a cache: each is good for one message.
async function verifyVoucher(token: string, verifier: Verifier | undefined, assertFresh: () => void): Promise<VerifiedToken> {
  if (verifier === undefined) throw new OAuthError('invalid_request', 'This subject_token_type is not accepted');
  const verified = await verifier.verify(token);
  assertFresh();
  return verified;
}
