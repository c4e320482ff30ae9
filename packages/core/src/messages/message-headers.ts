/** Headers of messages: whatever type brokers give them, and under every spelling that somebody could take for ours. */
import { type HeaderSource, TXN_TOKEN_HEADER } from '../carrier/carrier.ts';
import { TXN_VOUCHER_HEADER } from '../txn/voucher.ts';
import type { Failure } from './settlement.ts';

/** Name and value of a header, as a broker's client gives it. */
export type MessageHeaderEntry = readonly [name: string, value: unknown];

/**
 * Whether a header is one of ours, under any spelling: brokers keep case (MQ-1, MQ-3), and JMS has no hyphen (MQ-2). What another
 * reader could take for ours is ours (E3).
 */
export function isIdentityHeader(name: string): boolean {
  const known = normalize(name);
  return known === TXN_TOKEN_HEADER || known === TXN_VOUCHER_HEADER;
}

/** The headers without ours: for whatever the application set, and for what its handler is to see. */
export function withoutIdentityHeaders<Value>(headers: Readonly<Record<string, Value>> | undefined): Record<string, Value> {
  return Object.fromEntries(Object.entries(headers ?? {}).filter(([name]) => !isIdentityHeader(name)));
}

/**
 * The headers for a dead letter: without Txn-Tokens, which nobody could use any more, and with the reason. A voucher stays: it is good
 * for the consumers of its topic alone, and a message that is put back needs it.
 */
export function deadLetterHeaders<Value>(
  headers: Readonly<Record<string, Value>> | undefined,
  { reason }: Pick<Failure, 'reason'>,
): Record<string, Value | string> {
  const kept = Object.entries(headers ?? {}).filter(([name]) => normalize(name) !== TXN_TOKEN_HEADER && name !== REASON_HEADER);
  return { ...Object.fromEntries(kept), [REASON_HEADER]: reason };
}

/** Header of a dead letter that says why it is one. */
export const REASON_HEADER = 'watchword-reason';

/** Reads headers of a message. Bytes are read as ASCII; what is neither text nor bytes reads as something that is no token. */
export function fromMessageHeaders(entries: Iterable<MessageHeaderEntry>): HeaderSource {
  const found = new Map<string, string[]>();
  for (const [name, value] of entries) {
    if (!isIdentityHeader(name)) continue;
    const key = normalize(name);
    const values = Array.isArray(value) ? value.map(toText) : [toText(value)];
    // A list without an entry is no header that is missing.
    found.set(key, [...(found.get(key) ?? []), ...(values.length === 0 ? [NO_TEXT] : values)]);
  }
  return { values: (name) => found.get(name) ?? [] };
}

/** No token looks like this. */
const NO_TEXT = '\0';

function normalize(name: string): string {
  return name.trim().toLowerCase().replaceAll('_', '-');
}

function toText(value: unknown): string {
  if (typeof value === 'string') return value === '' ? NO_TEXT : value;
  // Latin-1 keeps octets apart that UTF-8 would make one replacement character of.
  if (value instanceof Uint8Array && value.length > 0) return Buffer.from(value).toString('latin1');
  return NO_TEXT;
}
