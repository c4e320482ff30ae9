/** Public surface of @watchword/redis. */
export { type RedisRevocationLogOptions, createRedisRevocationLog } from './redis-log.ts';
export { type RedisSpentTokensOptions, createRedisSpentTokens } from './redis-spent-tokens.ts';
export { type RedisSigningKeyStoreOptions, createRedisSigningKeyStore } from './redis-signing-keys.ts';
export type { Durability } from './queue/durability.ts';
export type { RedisQueueOptions } from './queue/options.ts';
export { type RedisQueue, createRedisQueue } from './redis-queue.ts';
