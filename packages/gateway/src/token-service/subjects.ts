/** Subject tokens: which kind is verified how. The type that a client names picks the verifier, never the look of the token (TE-3). */
import { type CachedVerifier, type VerifiedToken, type Verifier, WatchwordError, verifyBatch } from '@watchword/core';
import { OAuthError } from './oauth-error.ts';

const PREFIX = 'urn:ietf:params:oauth:token-type:';
/** What is issued here. */
export const TXN_TOKEN_TYPE: string = `${PREFIX}txn_token`;

/** What a Txn-Token is exchanged for before its work waits in a queue: a type of our own (TT-11, TT-34). */
export const VOUCHER_TOKEN_TYPE = 'urn:watchword:token-type:txn_voucher';

/** The kinds that are accepted (TT-11). */
export type SubjectKind = SharedKind | 'self-signed';

/** Those that everybody's are verified by the same verifier. */
export type SharedKind = 'external' | 'txn' | 'voucher';

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
  /** Many at once (`verifyBatch`): the outcome of each, in their order. One that is bad fails no other. */
  verifyMany(kind: SharedKind, tokens: readonly string[]): Promise<readonly PromiseSettledResult<VerifiedToken>[]>;
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
export function createSubjects(options: SubjectsOptions): Subjects {
  return {
    async verify(kind, token, selfSigned) {
      if (kind === 'self-signed') return verifySelfSigned(token, selfSigned);
      const verifier = verifierFor(kind, options);
      const known = 'recall' in verifier ? verifier.recall(token) : undefined;
      const verified = known ?? (await verifier.verify(token));
      options.assertFresh();
      return verified;
    },
    async verifyMany(kind, tokens) {
      // What no verifier can be found for, fails for each of them.
      const [batch] = await Promise.allSettled([(async () => verifyBatch(verifierFor(kind, options), tokens))()]);
      if (batch.status === 'rejected') return tokens.map(() => batch);
      return Promise.allSettled(
        batch.value.map(async ({ token, error }) => {
          if (token === undefined) throw error;
          options.assertFresh();
          return token;
        }),
      );
    },
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

/** @throws OAuthError, WatchwordError when there is none */
function verifierFor(kind: SharedKind, { external, txn, voucher }: SubjectsOptions): Verifier | CachedVerifier {
  if (kind === 'txn') return txn;
  if (kind === 'external') {
    if (external === undefined) throw new WatchwordError('issuer_not_trusted');
    return external;
  }
  // Never from a cache: each is good for one message.
  if (voucher === undefined) throw new OAuthError('invalid_request', 'This subject_token_type is not accepted');
  return voucher;
}
