/** Public surface of @watchword/redis. */
export { type RedisRevocationLogOptions, createRedisRevocationLog } from './redis-log.ts';
