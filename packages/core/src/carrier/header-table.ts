/** What a header field costs in an HPACK header table, and the warnings about fields that cost too much. */
import { channel } from 'node:diagnostics_channel';
import { TXN_TOKEN_HEADER } from './carrier.ts';

/** `diagnostics_channel` with a message for each Txn-Token that is too long to be indexed: it is sent in full every time. */
export const TXN_TOKEN_NOT_INDEXED_CHANNEL = 'watchword:txn-token-not-indexed';

/** `diagnostics_channel` with a message for each list of header fields that comes near what the receiver takes. */
export const HEADER_BUDGET_CHANNEL = 'watchword:header-budget';

/** Message of {@link TXN_TOKEN_NOT_INDEXED_CHANNEL}. Sizes only: never the token. */
export interface TxnTokenNotIndexed {
  /** Who noticed: `minter`, or the origin that the token goes to. */
  readonly place: string;
  /** Octets that the entry would take. */
  readonly entryBytes: number;
  /** Octets of the table, as both sides agreed on it. */
  readonly tableBytes: number;
}

/** Message of {@link HEADER_BUDGET_CHANNEL}. */
export interface HeaderBudgetNear {
  /** The origin that the request goes to. */
  readonly place: string;
  /** Octets of the list as RFC 9113 section 6.5.2 counts them. */
  readonly listBytes: number;
  readonly budgetBytes: number;
}

/** Octets of a header table as long as neither side says otherwise (RFC 9113 section 6.5.2, HP-1). */
export const INITIAL_TABLE_BYTES = 4096;

/** Share of a budget from which on it is called near. */
const NEAR = 0.8;

const notIndexed = channel(TXN_TOKEN_NOT_INDEXED_CHANNEL);
const budgets = channel(HEADER_BUDGET_CHANNEL);

/** Octets of one entry: name, value and 32 (RFC 7541 section 4.1, HP-2). The same sum counts towards header lists (HP-6). */
export function headerEntryBytes(name: string, valueBytes: number): number {
  return name.length + valueBytes + 32;
}

/** Whether nghttp2, so Node and grpc-js, indexes an entry: not above three quarters of the table (ND-3). */
export function isIndexable(entryBytes: number, tableBytes: number): boolean {
  return entryBytes <= Math.floor((tableBytes * 3) / 4);
}

/** Warns of a Txn-Token that a table of this size does not index. @returns whether it is indexed */
export function checkTxnTokenEntry(place: string, tokenBytes: number, tableBytes: number): boolean {
  const entryBytes = headerEntryBytes(TXN_TOKEN_HEADER, tokenBytes);
  if (isIndexable(entryBytes, tableBytes)) return true;
  if (notIndexed.hasSubscribers) notIndexed.publish({ place, entryBytes, tableBytes } satisfies TxnTokenNotIndexed);
  return false;
}

/** Warns of a header list from four fifths of the budget on. @returns whether there is room */
export function checkHeaderBudget(place: string, listBytes: number, budgetBytes: number): boolean {
  if (listBytes < budgetBytes * NEAR) return true;
  if (budgets.hasSubscribers) budgets.publish({ place, listBytes, budgetBytes } satisfies HeaderBudgetNear);
  return false;
}
