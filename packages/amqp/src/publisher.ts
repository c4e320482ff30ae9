/** Messages that carry the caller: an amqplib channel whose messages have one `txn-token` or `txn-voucher` header, or none (MQ-2). */
import { type MessagePropagator, assertConfig, withoutIdentityHeaders } from '@watchword/core';
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
 * Rejects with `context_lost` for a listed destination where nobody said on whose behalf the message is sent, and with
 * `config_invalid` where `CC` or `BCC` would take the caller's token to a queue that is not listed.
 */
export function propagate(channel: Pick<Channel, 'publish'>, propagator: MessagePropagator): CarryingChannel {
  const publish: CarryingChannel['publish'] = async (exchange, routingKey, content, options) => {
    const identity = await propagator.headerFor(exchange === '' ? routingKey : exchange);
    const headers: Record<string, unknown> = withoutIdentityHeaders(options?.headers as Record<string, unknown> | undefined);
    if (identity !== undefined) {
      if (exchange === '') assertCopiesAllowed({ ...options, headers }, propagator);
      headers[identity.name] = identity.value;
    }
    return channel.publish(exchange, routingKey, content, { ...options, headers });
  };
  return {
    publish,
    sendToQueue: (queue, content, options) => publish('', queue, content, options),
  };
}

// Of the default exchange each routing key is a queue, and RabbitMQ takes more of them from these two, as options or as headers.
function assertCopiesAllowed(options: Options.Publish & { readonly headers: object }, propagator: MessagePropagator): void {
  const { CC, BCC } = options.headers as Readonly<Record<string, unknown>>;
  const queues = [options.CC, options.BCC, CC, BCC].flat().filter((queue) => queue !== undefined);
  const isAllowed = queues.every((queue) => typeof queue === 'string' && propagator.allows(queue));
  assertConfig(isAllowed, 'CC, BCC: a copy would take the token to a queue that is not listed');
}
