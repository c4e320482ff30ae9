/** Public surface of @watchword/amqp. */
export { type CarryingChannel, propagate } from './publisher.ts';
export { type ConsumeOptions, type DeadLetter, type MessageHandler, consume } from './consumer.ts';
