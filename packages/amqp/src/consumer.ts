/** Consumers of RabbitMQ queues whose handlers run as the caller of each message, verified before they are entered (MQ-5). */
import { randomUUID } from 'node:crypto';
import {
  type DeliveredMessage,
  type Failure,
  type Identity,
  type MessageGuard,
  type Schedule,
  type Settlement,
  assertConfig,
  deadLetterHeaders,
  fromMessageHeaders,
  systemSchedule,
  withoutIdentityHeaders,
} from '@watchword/core';
import type { Channel, ConfirmChannel, ConsumeMessage, Message, Options, Replies } from 'amqplib';

/** What a handler gets: the message without our headers, and whose it is; undefined where the queue is public. */
export type MessageHandler = (message: ConsumeMessage, identity: Identity | undefined) => unknown;

/** What becomes of messages that are refused, or whose handler fails too often. */
export type DeadLetter =
  /** They are rejected: they go where `x-dead-letter-exchange` of the queue says, or are dropped. */
  | 'reject'
  /** They are published there first, with the header `watchword-reason` and without their Txn-Token. */
  | { readonly exchange: string; readonly routingKey: string };

/** Options of {@link consume}. */
export interface ConsumeOptions extends Omit<Options.Consume, 'noAck'> {
  readonly deadLetter: DeadLetter;
  /**
   * Quorum queues count deliveries; of a classic queue only is known that a message came before, so its handler gets one more chance.
   * Default `classic`.
   */
  readonly queueType?: 'classic' | 'quorum';
  /** Is told when the server ends the consumer. */
  readonly onCancelled?: () => void;
  readonly schedule?: Schedule;
}

/**
 * Consumes a queue. Rules go by the name of the queue; vouchers by where the sender sent the message: the exchange, or, of the default
 * exchange, the queue. A message is acknowledged when it is done; one that is to be delivered again is held back first. Use a confirm
 * channel where dead letters are published, so that none is lost.
 * @throws WatchwordError (as a rejection) `config_invalid`; what amqplib says where the place for dead letters is not there
 */
export async function consume(
  channel: Channel | ConfirmChannel,
  queue: string,
  guard: MessageGuard,
  options: ConsumeOptions,
  handler: MessageHandler,
): Promise<Replies.Consume> {
  const { deadLetter, queueType = 'classic', onCancelled, schedule = systemSchedule, ...rest } = options;
  // MQ-5: no acknowledgement before verification.
  assertConfig(!('noAck' in rest), 'noAck: a message that is acknowledged before it is verified is lost when it fails');
  assertConfig(
    deadLetter === 'reject' || typeof deadLetter?.exchange === 'string',
    'deadLetter: must be "reject" or an exchange',
  );
  assertConfig(queueType === 'classic' || queueType === 'quorum', 'queueType: must be "classic" or "quorum"');
  await assertPlace(channel, deadLetter);
  const receive = async (message: ConsumeMessage): Promise<void> => {
    const { properties } = message;
    const shown = { ...message, properties: { ...properties, headers: withoutIdentityHeaders(properties.headers) } };
    const delivered = toDelivered(message, queue, queueType);
    const settlement = await guard.handle(delivered, (identity) => handler(shown, identity));
    await settle(channel, message, settlement, deadLetter, schedule);
  };
  return channel.consume(
    queue,
    (message) => {
      if (message === null) onCancelled?.();
      // A channel that closed meanwhile: the server delivers again what was not acknowledged.
      else receive(message).catch(() => undefined);
    },
    rest,
  );
}

function toDelivered({ fields, properties }: ConsumeMessage, queue: string, queueType: 'classic' | 'quorum'): DeliveredMessage {
  const headers = (properties.headers ?? {}) as Readonly<Record<string, unknown>>;
  return {
    topic: queue,
    sentTo: fields.exchange === '' ? fields.routingKey : fields.exchange,
    headers: fromMessageHeaders(Object.entries(headers)),
    delivery: fields.redelivered ? countOf(headers, queueType) : 1,
  };
}

// In a classic queue a sender could write the count itself, and be delivered for ever.
function countOf(headers: Readonly<Record<string, unknown>>, queueType: 'classic' | 'quorum'): number {
  const count = queueType === 'quorum' ? headers['x-delivery-count'] : undefined;
  return typeof count === 'number' && count >= 0 ? count + 1 : Infinity;
}

async function settle(
  channel: Channel | ConfirmChannel,
  message: ConsumeMessage,
  settlement: Settlement,
  deadLetter: DeadLetter,
  schedule: Schedule,
): Promise<void> {
  if (settlement.action === 'done') return channel.ack(message);
  if (settlement.action === 'retry') {
    await new Promise<void>((resolve) => schedule(resolve, settlement.delayMs));
    return channel.nack(message, false, true);
  }
  if (deadLetter === 'reject') return channel.nack(message, false, false);
  try {
    await bury(channel, message, settlement, deadLetter);
  } catch {
    // Nothing is lost: it comes again.
    await new Promise<void>((resolve) => schedule(resolve, RETRY_BURIAL_MS));
    return channel.nack(message, false, true);
  }
  channel.ack(message);
}

/** Time after which a dead letter that could not be stored is tried again. */
const RETRY_BURIAL_MS = 5000;

// What is published to a place that is not there is lost without a word.
async function assertPlace(channel: Channel | ConfirmChannel, deadLetter: DeadLetter): Promise<void> {
  if (deadLetter === 'reject') return;
  const { exchange, routingKey } = deadLetter;
  await (exchange === '' ? channel.checkQueue(routingKey) : channel.checkExchange(exchange));
}

async function bury(
  channel: Channel | ConfirmChannel,
  { content, fields, properties }: ConsumeMessage,
  failure: Failure,
  { exchange, routingKey }: Exclude<DeadLetter, 'reject'>,
): Promise<void> {
  // The server checks userId against this connection, and would let a dead letter expire.
  const { userId: _sender, expiration: _end, headers, ...kept } = properties;
  const burial = randomUUID();
  const ours = { 'watchword-topic': fields.routingKey, [BURIAL_HEADER]: burial };
  const marked = { ...deadLetterHeaders(headers as Record<string, unknown>, failure), ...ours };
  // An exchange without a queue for it confirms a message, too, and drops it; but first it sends back one that is mandatory.
  const options = { ...kept, persistent: true, mandatory: true, headers: marked } as Options.Publish;
  const burials = burialsOn(channel);
  burials.set(burial, false);
  try {
    channel.publish(exchange, routingKey, content, options);
    if ('waitForConfirms' in channel) await channel.waitForConfirms();
    if (burials.get(burial) === true) throw new Error('No queue takes the dead letters');
  } finally {
    burials.delete(burial);
  }
}

/** Dead letters under way, and whether they were sent back. */
const BURIALS = new WeakMap<Channel | ConfirmChannel, Map<string, boolean>>();

// One listener for each channel.
function burialsOn(channel: Channel | ConfirmChannel): Map<string, boolean> {
  const known = BURIALS.get(channel);
  if (known !== undefined) return known;
  const burials = new Map<string, boolean>();
  channel.on('return', ({ properties }: Message) => {
    const id = (properties.headers as Record<string, unknown> | undefined)?.[BURIAL_HEADER];
    if (typeof id === 'string' && burials.has(id)) burials.set(id, true);
  });
  BURIALS.set(channel, burials);
  return burials;
}

/** Header of a dead letter by which it is known when it comes back. */
const BURIAL_HEADER = 'watchword-burial';
