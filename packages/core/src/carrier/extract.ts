/** Takes the one token out of a request, or says why there is none. No I/O, no decoding. */
import { WatchwordError } from '../errors.ts';
import type { TokenScheme } from '../possession/sender.ts';
import { type HeaderSource, TXN_TOKEN_HEADER } from './carrier.ts';

/** Takes one kind of token out of a carrier. */
export type Extractor = (source: HeaderSource) => string;

/**
 * The token of `Authorization: Bearer <token>` (RFC 6750 section 2.1). Query and body are never looked at (ER-2).
 * @throws WatchwordError `token_missing`, `token_ambiguous`, `scheme_unsupported`
 */
export function extractBearer(source: HeaderSource): string {
  const { scheme, token } = extractCredentials(source);
  if (scheme !== 'bearer') throw new WatchwordError('scheme_unsupported', 'The Authorization scheme is not Bearer');
  return token;
}

/**
 * The token of `Authorization: Bearer <token>` or `Authorization: DPoP <token>` (RFC 9449 section 7.1), and which of both.
 * @throws WatchwordError `token_missing`, `token_ambiguous`, `scheme_unsupported`
 */
export function extractAccessToken(source: HeaderSource): { readonly scheme: TokenScheme; readonly token: string } {
  const { scheme, token } = extractCredentials(source);
  if (scheme === 'bearer' || scheme === 'dpop') return { scheme, token };
  throw new WatchwordError('scheme_unsupported', 'The Authorization scheme is neither Bearer nor DPoP');
}

// The scheme first: what another scheme carries is nobody's token here.
function extractCredentials(source: HeaderSource): { readonly scheme: string; readonly token: string } {
  const value = exactlyOne(source.values('authorization'), 'Authorization');
  const space = value.indexOf(' ');
  const scheme = (space < 0 ? value : value.slice(0, space)).toLowerCase();
  if (scheme !== 'bearer' && scheme !== 'dpop') return { scheme, token: '' };
  return { scheme, token: singleToken(space < 0 ? '' : value.slice(space + 1), 'Authorization') };
}

/**
 * The value of the `Txn-Token` field, which is exactly one token without a scheme (TT-25).
 * @throws WatchwordError `token_missing`, `token_ambiguous`
 */
export function extractTxnToken(source: HeaderSource): string {
  return singleToken(exactlyOne(source.values(TXN_TOKEN_HEADER), 'Txn-Token'), 'Txn-Token');
}

function exactlyOne(values: readonly string[], field: string): string {
  if (values.length > 1) throw new WatchwordError('token_ambiguous', `${values.length} ${field} fields in one request`);
  const value = values[0];
  if (value === undefined || value === '') throw new WatchwordError('token_missing', `No ${field} field`);
  return value;
}

// A joined duplicate shows as a comma, a second credential as a space.
function singleToken(token: string, field: string): string {
  if (token === '') throw new WatchwordError('token_missing', `The ${field} field is empty`);
  if (token.includes(',') || token.includes(' ')) {
    throw new WatchwordError('token_ambiguous', `The ${field} field holds more than one token`);
  }
  return token;
}
