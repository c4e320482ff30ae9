/** What first tokens and replacements have in common: the scope that is granted, and the id of the token. */
import { WatchwordError } from '../errors.ts';
import { encodeBase64url } from '../jws/base64url.ts';
import { hasScope } from '../verify/scopes.ts';
import type { MinterSettings, TxnRequest } from './mint.ts';

/** The scope that a request gets: equal to or less than that of the subject token (TT-17). @throws WatchwordError `scope_unknown`, `scope_insufficient` */
export function grantedScope({ subject, scopes }: Pick<TxnRequest, 'subject' | 'scopes'>): string {
  const { scope } = subject.claims;
  if (scope === undefined) throw new WatchwordError('scope_unknown');
  if (scopes === undefined) return scope;
  const missing = scopes.find((wanted) => !hasScope(scope, wanted));
  if (missing !== undefined) throw new WatchwordError('scope_insufficient', `The subject token does not grant scope ${missing}`);
  return scopes.join(' ');
}

/** A `jti`, where tokens have one (TT-10). */
export function tokenId({ tokenIds, randomBytes }: MinterSettings): { readonly jti?: string } {
  return tokenIds ? { jti: encodeBase64url(randomBytes(16)) } : {};
}
