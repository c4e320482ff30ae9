/**
 * What was accepted, sealed, with a receipt that nobody but the gateway can make (TT-33): that this request came with this token, was
 * accepted then, for this route, issuer and client, and may run until then.
 */
import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import { WatchwordError } from '@watchword/core';
import { createByteSeal, deriveKeys } from './byte-seal.ts';
import { type Framed, frame, unframe } from './framing.ts';
import type { NewEntry } from './queue.ts';

/** A request as it was accepted. */
export interface DeferredRequest {
  readonly method: string;
  /** Path and query, as they came. */
  readonly target: string;
  /** In their order, without the token. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body: Uint8Array;
  /** The external token. It is nowhere else: not in the clear in any store, and never with the call to the upstream. */
  readonly token: string;
  /** Whether the sender had proven to be the owner of a bound token. */
  readonly isProven: boolean;
}

/** What a store keeps beside the payload, all of it covered by the receipt. */
export type EntryFacts = Omit<NewEntry, 'payload'>;

/** Makes and checks receipts. */
export interface Receipts {
  /** At acceptance: an entry for the queue. */
  close(facts: EntryFacts, request: DeferredRequest): NewEntry;
  /** When the work runs. @throws WatchwordError `receipt_invalid` unless all of the entry is as it was accepted */
  open(entry: NewEntry): DeferredRequest;
  /** Seals what the client may read of the answer. */
  closeResult(id: string, result: Uint8Array): Uint8Array;
  /** @throws WatchwordError `receipt_invalid` unless it is the result of this entry */
  openResult(id: string, sealed: Uint8Array): Uint8Array;
}

const RECEIPT_BYTES = 32;

/**
 * @param keys of the operator, 32 random bytes each. The first closes, all of them open
 * @throws WatchwordError `config_invalid`
 */
export function createReceipts({ keys }: { readonly keys: readonly Uint8Array[] }): Receipts {
  const payloads = createByteSeal(keys, 'payload');
  const results = createByteSeal(keys, 'result');
  const receiptKeys = deriveKeys(keys, 'receipt');
  return {
    close(facts, request) {
      const bytes = encode(request);
      const receipt = receiptWith(receiptKeys[0]!, facts, request.token, bytes);
      const payload = payloads.close(Buffer.concat([receipt, bytes]), frame(valuesOf(facts)));
      return { ...facts, payload };
    },
    open({ payload, ...facts }) {
      const opened = payloads.open(payload, frame(valuesOf(facts)));
      if (opened === undefined || opened.length <= RECEIPT_BYTES) throw new WatchwordError('receipt_invalid');
      const [receipt, bytes] = [opened.subarray(0, RECEIPT_BYTES), opened.subarray(RECEIPT_BYTES)];
      const request = decode(bytes);
      const isOurs = receiptKeys.some((key) => timingSafeEqual(receipt, receiptWith(key, facts, request.token, bytes)));
      if (!isOurs) throw new WatchwordError('receipt_invalid');
      return request;
    },
    closeResult: (id, result) => results.close(result, Buffer.from(id)),
    openResult(id, sealed) {
      const result = results.open(sealed, Buffer.from(id));
      if (result === undefined) throw new WatchwordError('receipt_invalid', 'The result does not belong to this entry');
      return result;
    },
  };
}

function receiptWith(key: Buffer, facts: EntryFacts, token: string, request: Buffer): Buffer {
  const digests = [digestOf(Buffer.from(token)), digestOf(request)];
  return createHmac('sha256', key)
    .update(frame([...valuesOf(facts), ...digests]))
    .digest();
}

function valuesOf(facts: EntryFacts): readonly Framed[] {
  const { id, acceptedAtMs, runBeforeMs, route, issuer, client, idempotencyKey, fingerprint } = facts;
  return [id, acceptedAtMs, runBeforeMs, route, issuer, client, fingerprint, idempotencyKey ?? ''];
}

function encode({ method, target, headers, body, token, isProven }: DeferredRequest): Buffer {
  return frame([JSON.stringify({ method, target, headers, token, isProven }), body]);
}

// What was sealed under our keys is as we wrote it.
function decode(bytes: Buffer): DeferredRequest {
  const [head, body] = unframe(bytes);
  return { ...(JSON.parse(head!.toString()) as Omit<DeferredRequest, 'body'>), body: body! };
}

function digestOf(bytes: Buffer): Buffer {
  return createHash('sha256').update(bytes).digest();
}
