/** Public surface of @watchword/redis. */
export { type RedisRevocationLogOptions, createRedisRevocationLog } from './redis-log.ts';
export { type RedisSpentTokensOptions, createRedisSpentTokens } from './redis-spent-tokens.ts';
export { type RedisSigningKeyStoreOptions, createRedisSigningKeyStore } from './redis-signing-keys.ts';
