/** The same for whole batches: their tokens are verified together first, then each message is handled by itself. */
import { type CachedVerifier, type MessageGuard, TXN_TOKEN_HEADER, fromMessageHeaders, verifyBatch } from '@watchword/core';
import type { EachBatchHandler, KafkaMessage } from 'kafkajs';
import { type GuardMessagesOptions, type MessageHandler, guardMessages } from './consumer.ts';

/** Options of {@link guardBatches}. */
export interface GuardBatchesOptions extends GuardMessagesOptions {
  /** The cached verifier that the pipeline of the guard is made of: what is verified here, the guard finds there. */
  readonly verifier: CachedVerifier;
}

/**
 * Makes what `consumer.run({ eachBatch, eachBatchAutoResolve: false })` takes. Equal tokens of a batch are verified once, on all cores
 * where the verifier has threaded checks. What is verified ahead decides nothing: each message is admitted on its own when it is its turn,
 * so one bad token fails no other, and one that expired or was revoked meanwhile is refused (MQ-5).
 * @throws WatchwordError `config_invalid`
 */
export function guardBatches(guard: MessageGuard, options: GuardBatchesOptions, handler: MessageHandler): EachBatchHandler {
  const { verifier, ...rest } = options;
  const receive = guardMessages(guard, rest, handler);
  return async ({ batch, resolveOffset, heartbeat, pause, commitOffsetsIfNecessary, isRunning, isStale }) => {
    const { topic, partition, messages } = batch;
    await verifyBatch(verifier, messages.flatMap(tokenOf));
    for (const message of messages) {
      if (!isRunning() || isStale()) return;
      await receive({ topic, partition, message, heartbeat, pause });
      resolveOffset(message.offset);
      await heartbeat();
      await commitOffsetsIfNecessary();
    }
  };
}

// A message with several is refused by the guard.
function tokenOf({ headers }: KafkaMessage): readonly string[] {
  const values = fromMessageHeaders(Object.entries(headers ?? {})).values(TXN_TOKEN_HEADER);
  return values.length === 1 ? values : [];
}
