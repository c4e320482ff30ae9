/** Warns, on one connection, of tokens that are not indexed and of header lists near their limit. */
import type { ClientHttp2Session, OutgoingHttpHeaders } from 'node:http2';
import { TXN_TOKEN_HEADER, checkHeaderBudget, checkTxnTokenEntry, headerEntryBytes } from '@watchword/core';

/** What a request is held against. */
export interface HeaderLimits {
  /** Octets of the table that this side makes use of at most. */
  readonly tableBytes: number;
  /** Octets of header fields that the way to the handler takes, where that is less than the receiver says (HP-6). */
  readonly budgetBytes: number;
}

/**
 * Looks at a request before it is sent. Nothing is said before the receiver's settings are known.
 * @returns octets of the header list as RFC 9113 section 6.5.2 counts them
 */
export function watchHeaders(
  session: ClientHttp2Session,
  place: string,
  headers: OutgoingHttpHeaders,
  limits: HeaderLimits,
): number {
  const listBytes = headerListBytes(headers);
  if (session.pendingSettingsAck || session.connecting) return listBytes;
  const { headerTableSize, maxHeaderListSize } = session.remoteSettings;
  const token = headers[TXN_TOKEN_HEADER];
  // The receiver's setting is a ceiling; this side's option another one (HP-1).
  const tableBytes = Math.min(headerTableSize ?? limits.tableBytes, limits.tableBytes);
  if (typeof token === 'string') checkTxnTokenEntry(place, token.length, tableBytes);
  checkHeaderBudget(place, listBytes, Math.min(maxHeaderListSize ?? Infinity, limits.budgetBytes));
  return listBytes;
}

/** Octets of a header list as RFC 9113 section 6.5.2 counts them: 32 for each field besides name and value. */
export function headerListBytes(headers: OutgoingHttpHeaders): number {
  let bytes = 0;
  for (const name of Object.keys(headers)) {
    const value = headers[name];
    if (value === undefined) continue;
    for (const each of Array.isArray(value) ? value : [value]) bytes += headerEntryBytes(name, String(each).length);
  }
  return bytes;
}
