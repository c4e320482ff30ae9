/** How large header tables have to be, so that the Txn-Token of every caller on a connection stays indexed. */
import { INITIAL_TABLE_BYTES, TXN_TOKEN_HEADER, assertConfig, headerEntryBytes } from '@watchword/core';
import { assertCount, assertNames } from './options.ts';

/** What a connection carries. */
export interface Traffic {
  /** Callers with a Txn-Token of their own that share one connection. */
  readonly callers: number;
  /** Characters of a Txn-Token. Default 600: ES256, the claims that a token must have, and a few of yours. */
  readonly tokenBytes?: number;
  /** Octets that one table may take at most, on each side of each connection. Default 4 MiB. */
  readonly maxTableBytes?: number;
}

/** The sizes, in the words of node:http2, and why. Both sides are needed: the server's is a ceiling, the client chooses (HP-1). */
export interface TableSettings {
  /** Octets of the table. */
  readonly tableBytes: number;
  /** Callers whose tokens fit. Fewer than asked for only where `maxTableBytes` is in the way. */
  readonly callers: number;
  /** For `http2.createServer` and `createSecureServer`: how much a client may have remembered. */
  readonly server: { readonly settings: { readonly headerTableSize: number }; readonly maxSessionMemory: number };
  /** For `http2.connect`: how much this client makes use of. */
  readonly client: { readonly maxDeflateDynamicTableSize: number; readonly maxSessionMemory: number };
  /** One sentence for logs. */
  readonly reason: string;
}

const KNOWN = ['callers', 'tokenBytes', 'maxTableBytes'];
const MAX_TABLE_BYTES = 4 * 2 ** 20;

/**
 * Works the sizes out.
 * @throws WatchwordError `config_invalid` naming the option
 */
export function tableSettingsFor(traffic: Traffic): TableSettings {
  assertNames(traffic, KNOWN, 'traffic');
  const wanted = assertCount(traffic.callers, 1, 1_000_000, 'traffic.callers');
  const tokenBytes = assertCount(traffic.tokenBytes ?? 600, 1, 65_536, 'traffic.tokenBytes');
  const limit = assertCount(traffic.maxTableBytes ?? MAX_TABLE_BYTES, INITIAL_TABLE_BYTES, 2 ** 28, 'traffic.maxTableBytes');
  const entryBytes = headerEntryBytes(TXN_TOKEN_HEADER, tokenBytes);
  const leastBytes = Math.ceil((entryBytes * 4) / 3) + 1;
  assertConfig(
    leastBytes <= limit,
    `traffic.maxTableBytes: a token of ${tokenBytes} characters needs ${leastBytes} to be indexed`,
  );
  // The oldest entry goes first, in use or not: a quarter more, so that tokens that were renewed do not push others out.
  const neededBytes = Math.max(leastBytes, INITIAL_TABLE_BYTES + Math.ceil(wanted * entryBytes * 1.25));
  const tableBytes = Math.min(neededBytes, limit);
  const callers =
    tableBytes === neededBytes ? wanted : Math.max(1, Math.floor((limit - INITIAL_TABLE_BYTES) / entryBytes / 1.25));
  return {
    tableBytes,
    callers,
    server: { settings: { headerTableSize: tableBytes }, maxSessionMemory: sessionMegabytes(tableBytes) },
    client: { maxDeflateDynamicTableSize: tableBytes, maxSessionMemory: sessionMegabytes(tableBytes) },
    reason: reasonOf({ tableBytes, callers, wanted, entryBytes }),
  };
}

// Node counts header tables towards the memory of a session, whose default of 10 MB is meant for what else there is (ND-8).
// nghttp2 keeps about 200 octets more for each entry.
function sessionMegabytes(tableBytes: number): number {
  return 10 + Math.ceil((2 * tableBytes) / 1_000_000);
}

function reasonOf(facts: { tableBytes: number; callers: number; wanted: number; entryBytes: number }): string {
  const { tableBytes, callers, wanted, entryBytes } = facts;
  const sum = `${wanted} entries of ${entryBytes} octets, a quarter for renewed tokens and ${INITIAL_TABLE_BYTES} for other fields`;
  if (callers === wanted) return `${tableBytes} octets: ${sum}`;
  return `${tableBytes} octets, the most that is allowed: ${callers} callers fit; for all of them: ${sum}`;
}
