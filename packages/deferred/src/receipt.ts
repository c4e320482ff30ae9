/**
 * What was accepted, sealed. The seal is the receipt that nobody but the gateway can make (TT-33): its tag says that this request came
 * with this token, was accepted then, for this route, issuer and client, and may run until then.
 */
import { WatchwordError } from '@watchword/core';
import { createByteSeal } from './byte-seal.ts';
import { frame, unframe } from './framing.ts';
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
  /** At acceptance: an entry for the queue. Its payload is bound to all that stands beside it. */
  close(facts: EntryFacts, request: DeferredRequest): NewEntry;
  /** When the work runs. @throws WatchwordError `receipt_invalid` unless all of the entry is as it was accepted */
  open(entry: NewEntry): DeferredRequest;
  /** Seals what the client may read of the answer. */
  closeResult(id: string, result: Uint8Array): Uint8Array;
  /** @throws WatchwordError `receipt_invalid` unless it is the result of this entry */
  openResult(id: string, sealed: Uint8Array): Uint8Array;
}

/**
 * @param keys of the operator, 32 random bytes each. The first closes, all of them open
 * @throws WatchwordError `config_invalid`
 */
export function createReceipts({ keys }: { readonly keys: readonly Uint8Array[] }): Receipts {
  const payloads = createByteSeal(keys, 'payload');
  const results = createByteSeal(keys, 'result');
  return {
    close: (facts, request) => ({ ...facts, payload: payloads.close(encode(request), contextOf(facts)) }),
    open({ payload, ...facts }) {
      const bytes = payloads.open(payload, contextOf(facts));
      if (bytes === undefined) throw new WatchwordError('receipt_invalid');
      return decode(bytes);
    },
    closeResult: (id, result) => results.close(result, Buffer.from(id)),
    openResult(id, sealed) {
      const result = results.open(sealed, Buffer.from(id));
      if (result === undefined) throw new WatchwordError('receipt_invalid', 'The result does not belong to this entry');
      return result;
    },
  };
}

function contextOf(facts: EntryFacts): Buffer {
  const { id, acceptedAtMs, runBeforeMs, route, issuer, client, idempotencyKey, fingerprint } = facts;
  return frame([id, acceptedAtMs, runBeforeMs, route, issuer, client, fingerprint, idempotencyKey ?? '']);
}

function encode({ method, target, headers, body, token, isProven }: DeferredRequest): Buffer {
  return frame([JSON.stringify({ method, target, headers, isProven }), token, body]);
}

// What was sealed under our keys is as we wrote it.
function decode(bytes: Buffer): DeferredRequest {
  const [head, token, body] = unframe(bytes);
  const rest = JSON.parse(head!.toString()) as Omit<DeferredRequest, 'token' | 'body'>;
  return { ...rest, token: token!.toString(), body: body! };
}
