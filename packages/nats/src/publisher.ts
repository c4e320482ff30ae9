/** Messages that carry the caller: NATS and JetStream publishing with one `Txn-Token` or `Txn-Voucher` header, or none (MQ-3). */
import { type MessagePropagator, isIdentityHeader } from '@watchword/core';
import { type MsgHdrs, type Payload, headers as createHeaders } from '@nats-io/nats-core';

/** What a connection and a JetStream client have in common. */
export interface Publisher<Options, Result> {
  publish(subject: string, payload?: Payload, options?: Options): Result;
}

/**
 * Wraps a `NatsConnection` or a `JetStreamClient`. The caller is the one in whose context `publish` is called; it rejects with
 * `context_lost` for a listed subject where nobody said on whose behalf the message is sent. Payload and other headers stay as they
 * are.
 */
export function propagate<Options extends { headers?: MsgHdrs }, Result>(
  target: Publisher<Options, Result>,
  propagator: MessagePropagator,
): Publisher<Options, Promise<Awaited<Result>>> {
  return {
    async publish(subject, payload, options): Promise<Awaited<Result>> {
      const headers = await identityHeaders(propagator, subject, options?.headers);
      return await target.publish(subject, payload, { ...options, headers } as Options);
    },
  };
}

/**
 * The headers for a message to a subject: those given, without what looks like ours, and the caller's. For `request` and whatever else
 * takes headers.
 * @throws WatchwordError (as a rejection) `context_lost`; why there is no voucher
 */
export async function identityHeaders(propagator: MessagePropagator, subject: string, given?: MsgHdrs): Promise<MsgHdrs> {
  const identity = await propagator.headerFor(subject);
  const headers = copyWithoutIdentity(given);
  // Keys keep their case: one spelling (MQ-3).
  if (identity !== undefined) headers.set(SPELLING[identity.name], identity.value);
  return headers;
}

const SPELLING = { 'txn-token': 'Txn-Token', 'txn-voucher': 'Txn-Voucher' } as const;

function copyWithoutIdentity(given: MsgHdrs | undefined): MsgHdrs {
  const headers = createHeaders();
  for (const [name, values] of given ?? []) {
    if (!isIdentityHeader(name)) for (const value of values) headers.append(name, value);
  }
  return headers;
}
