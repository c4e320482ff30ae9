/** Messages that carry the caller: an amqplib channel whose messages have one `txn-token` or `txn-voucher` header, or none (MQ-2). */
import { type MessagePropagator, withoutIdentityHeaders } from '@watchword/core';
import type { Channel, Options } from 'amqplib';

/** The publishing side of a channel, asynchronous. */
export interface CarryingChannel {
  /** @returns as the channel does: false asks to wait for `drain` */
  publish(exchange: string, routingKey: string, content: Buffer, options?: Options.Publish): Promise<boolean>;
  sendToQueue(queue: string, content: Buffer, options?: Options.Publish): Promise<boolean>;
}

/**
 * Wraps a channel, or a confirm channel (await its `waitForConfirms()`). A destination is an exchange; of the default exchange it is
 * the queue. The caller is the one in whose context it is called. Content, properties and other headers stay as they are.
 * Rejects with `context_lost` for a listed destination where nobody said on whose behalf the message is sent.
 */
export function propagate(channel: Pick<Channel, 'publish'>, propagator: MessagePropagator): CarryingChannel {
  const publish: CarryingChannel['publish'] = async (exchange, routingKey, content, options) => {
    const identity = await propagator.headerFor(exchange === '' ? routingKey : exchange);
    const headers: Record<string, unknown> = withoutIdentityHeaders(options?.headers as Record<string, unknown> | undefined);
    if (identity !== undefined) headers[identity.name] = identity.value;
    return channel.publish(exchange, routingKey, content, { ...options, headers });
  };
  return {
    publish,
    sendToQueue: (queue, content, options) => publish('', queue, content, options),
  };
}
