/** Handlers of JetStream messages and of plain subscriptions that run as the caller of each message, verified first (MQ-5). */
import {
  type DeliveredMessage,
  type Failure,
  type Identity,
  type MessageGuard,
  type MessageHeaderEntry,
  assertConfig,
  deadLetterHeaders,
  fromMessageHeaders,
  isIdentityHeader,
  toWatchwordError,
} from '@watchword/core';
import { type Msg, type MsgHdrs, headers as createHeaders } from '@nats-io/nats-core';
import type { Publisher } from './publisher.ts';

/** The part of a `JsMsg` that is needed here. */
export interface JetStreamMessage {
  readonly subject: string;
  readonly headers: MsgHdrs | undefined;
  readonly data: Uint8Array;
  readonly info: { readonly deliveryCount: number };
  ack(): void;
  nak(millis?: number): void;
  term(): void;
}

/** What becomes of messages that are refused, or whose handler fails too often. */
export type DeadLetter =
  /** They stay in the stream, and are never delivered to this consumer again; the server tells of them (`MSG_TERMINATED`). */
  | 'terminate'
  /** They go to another subject first, with the header `watchword-reason` and without their Txn-Token. */
  | { readonly jetstream: Publisher<{ headers?: MsgHdrs }, Promise<unknown>>; readonly subject: string };

/** Options of {@link guardMessages}. */
export interface GuardMessagesOptions {
  readonly deadLetter: DeadLetter;
}

/**
 * Makes a function that takes each message of a JetStream consumer, acknowledges it when it is done, and never rejects. Rules and
 * vouchers go by the subject of the message, which the server has checked against the sender's permissions.
 * @throws WatchwordError `config_invalid`
 */
export function guardMessages<Message extends JetStreamMessage>(
  guard: MessageGuard,
  options: GuardMessagesOptions,
  handler: (message: Message, identity: Identity | undefined) => unknown,
): (message: Message) => Promise<void> {
  const { deadLetter } = options;
  assertConfig(
    deadLetter === 'terminate' || typeof deadLetter?.subject === 'string',
    'deadLetter: must be "terminate" or a subject',
  );
  return async (message) => {
    const all = [...(message.headers ?? [])];
    const delivered = toDelivered(message, message.info.deliveryCount);
    const settlement = await guard.handle(delivered, (identity) => handler(message, identity));
    try {
      if (settlement.action === 'done') message.ack();
      else if (settlement.action === 'retry') message.nak(settlement.delayMs);
      else await bury(message, all, settlement, deadLetter);
    } catch {
      // The connection was closed meanwhile: the server delivers again what was not acknowledged.
    }
  };
}

/**
 * Makes a function that takes each message of a plain subscription. Nothing is delivered again there: what is refused or fails is
 * dropped, and `onSettled` of the guard is told. Whoever waits for a reply gets an empty one with the headers of NATS services,
 * `Nats-Service-Error-Code` and `Nats-Service-Error`.
 */
export function guardSubscription(
  guard: MessageGuard,
  handler: (message: Msg, identity: Identity | undefined) => unknown,
): (message: Msg) => Promise<void> {
  return async (message) => {
    const delivered: DeliveredMessage = { ...toDelivered(message, 1), isLast: true };
    const settlement = await guard.handle(delivered, (identity) => handler(message, identity));
    if (settlement.action === 'done' || !message.reply) return;
    try {
      refuse(message, settlement);
    } catch {
      // The connection was closed meanwhile: whoever waits for the reply finds out by its own time limit.
    }
  };
}

// Reads our headers and takes them away: the handler cannot copy them into messages of its own.
function toDelivered(
  { subject, headers }: { readonly subject: string; readonly headers?: MsgHdrs | undefined },
  delivery: number,
): DeliveredMessage {
  const entries: MessageHeaderEntry[] = [...(headers ?? [])];
  for (const [name] of entries) if (isIdentityHeader(name)) headers!.delete(name);
  return { topic: subject, headers: fromMessageHeaders(entries), delivery };
}

/** Time after which a dead letter that could not be stored is tried again. */
const RETRY_BURIAL_MS = 5000;

async function bury(
  message: JetStreamMessage,
  entries: readonly (readonly [string, string[]])[],
  failure: Failure,
  deadLetter: DeadLetter,
): Promise<void> {
  if (deadLetter !== 'terminate') {
    const headers = createHeaders();
    for (const [name, values] of Object.entries(deadLetterHeaders(Object.fromEntries(entries), failure))) {
      for (const value of [values].flat()) headers.append(name, value);
    }
    headers.set('watchword-topic', message.subject);
    try {
      await deadLetter.jetstream.publish(deadLetter.subject, message.data, { headers });
    } catch {
      // Nothing is lost: the server delivers it again.
      message.nak(RETRY_BURIAL_MS);
      return;
    }
  }
  // Without the reason: servers before 2.10 take a `+TERM` with one for nothing, and deliver the message for ever.
  message.term();
}

function refuse(message: Msg, { stage, error }: Failure): void {
  // What a handler threw is nobody's business outside.
  const { http, title } = toWatchwordError(stage === 'admission' ? error : undefined).facts;
  const headers = createHeaders();
  headers.set('Nats-Service-Error-Code', `${http}`);
  headers.set('Nats-Service-Error', title);
  message.respond('', { headers });
}
