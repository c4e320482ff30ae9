/** Public surface of @watchword/kafka. */
export { propagate } from './producer.ts';
export { type DeadLetter, type GuardMessagesOptions, type MessageHandler, guardMessages } from './consumer.ts';
export { type GuardBatchesOptions, guardBatches } from './batches.ts';
