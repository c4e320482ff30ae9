/** How a real process opens a queue in Redis. */
import type { Queue } from '@watchword/deferred';
import { createRedisQueue } from '@watchword/redis';

/** @param argument URL of the server, a space, prefix of the keys */
export function openQueue(argument: string): Queue {
  const [server, prefix] = argument.split(' ') as [string, string];
  return createRedisQueue({ server, prefix });
}
