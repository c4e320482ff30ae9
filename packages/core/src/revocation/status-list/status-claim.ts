/** The `status` claim of a token: where its status stands (Token Status List section 6.1). */
import { WatchwordError } from '../../errors.ts';
import type { Claims, JsonValue } from '../../verify/verified-token.ts';

/** One entry of one list. */
export interface StatusReference {
  readonly idx: number;
  readonly uri: string;
}

/** Characters of a list's address. */
export const MAX_URI_LENGTH = 1024;

/**
 * Reads the claim of a verified token (SL-1). undefined: the token has none. A `status` that names no list is refused: whoever set
 * it wants the token checked, and nobody here could.
 * @throws WatchwordError `claim_invalid`
 */
export function readStatusReference(claims: Claims): StatusReference | undefined {
  if (claims.status === undefined) return undefined;
  const reference = member(claims.status, 'status_list');
  const idx = member(reference, 'idx');
  const uri = member(reference, 'uri');
  if (typeof idx !== 'number' || !Number.isSafeInteger(idx) || idx < 0) throw malformed('idx');
  if (typeof uri !== 'string' || uri === '' || uri.length > MAX_URI_LENGTH) throw malformed('uri');
  return { idx, uri };
}

function member(value: JsonValue | undefined, name: string): JsonValue | undefined {
  const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
  return isObject ? (value as { readonly [name: string]: JsonValue | undefined })[name] : undefined;
}

function malformed(name: string): WatchwordError {
  return new WatchwordError('claim_invalid', `Claim status.status_list.${name} is missing or has a wrong type or value`);
}
