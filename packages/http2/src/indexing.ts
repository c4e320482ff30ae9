/** Which header fields a client lets the receiver remember (HP-5, HP-8). */
import { type OutgoingHttpHeaders, sensitiveHeaders } from 'node:http2';
import { TXN_TOKEN_HEADER, assertConfig } from '@watchword/core';
import { assertNames } from './options.ts';

/** What is put into header tables. */
export interface IndexingOptions {
  /**
   * Whether the Txn-Token is indexed: `auto` sends one octet or three instead of the token once the receiver has seen it. `never`
   * for connections that parties share who must not learn of each other's tokens by their lengths. Default `auto`.
   */
  readonly index?: 'auto' | 'never';
  /**
   * More fields that are not worth an entry because each request has its own value. Trace and request ids are such fields already.
   */
  readonly neverIndex?: readonly string[];
}

/** Marks the fields of a request that must not be indexed. */
export type Indexing = <Headers extends OutgoingHttpHeaders>(headers: Headers) => Headers;

// Typed as any symbol by @types/node.
const SENSITIVE: typeof SENSITIVE_KEY = sensitiveHeaders as never;
declare const SENSITIVE_KEY: unique symbol;

interface Marked {
  readonly [SENSITIVE_KEY]?: readonly string[];
}

// One value for each request: 100 octets of table each time, which push the tokens out. The oldest entry goes, used or not.
const UNIQUE = [
  'traceparent',
  'tracestate',
  'b3',
  'x-b3-traceid',
  'x-b3-spanid',
  'x-b3-parentspanid',
  'x-request-id',
  'x-correlation-id',
  'idempotency-key',
  'grpc-timeout',
];
// Short secrets can be guessed by their length in the table (HP-5).
const SECRET = ['authorization', 'proxy-authorization', 'cookie', 'x-api-key'];

/** Builds the marker. @throws WatchwordError `config_invalid` */
export function createIndexing(options: IndexingOptions = {}): Indexing {
  assertNames(options, ['index', 'neverIndex'], 'indexing');
  const { index = 'auto', neverIndex = [] } = options;
  assertConfig(index === 'auto' || index === 'never', 'indexing.index: must be "auto" or "never"');
  assertConfig(
    Array.isArray(neverIndex) && neverIndex.every((name) => typeof name === 'string'),
    'indexing.neverIndex: must be a list of header names',
  );
  const named = neverIndex.map((name) => name.toLowerCase());
  assertConfig(!named.includes(TXN_TOKEN_HEADER), 'indexing.neverIndex: say index: "never" for the Txn-Token');
  const never = [...new Set([...UNIQUE, ...SECRET, ...named, ...(index === 'never' ? [TXN_TOKEN_HEADER] : [])])];
  return (headers) => {
    // Node takes names here that the request does not have, but looks through all of them for each field.
    const present = never.filter((name) => headers[name] !== undefined);
    // What the caller marked stays marked, the token apart: it is this client's to decide.
    const given = ((headers as Marked)[SENSITIVE] ?? []).filter((name) => name.toLowerCase() !== TXN_TOKEN_HEADER);
    return { ...headers, [SENSITIVE]: [...given, ...present] };
  };
}
