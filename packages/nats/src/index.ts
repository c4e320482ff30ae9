/** Public surface of @watchword/nats. */
export { type Publisher, identityHeaders, propagate } from './publisher.ts';
export {
  type DeadLetter,
  type GuardMessagesOptions,
  type JetStreamMessage,
  guardMessages,
  guardSubscription,
} from './consumer.ts';
