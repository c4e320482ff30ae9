/** What a server promises, and whether that is enough to acknowledge anything. */
import { WatchwordError } from '@watchword/core';
import type { Redis } from 'ioredis';

/** `require`: nothing is accepted by a server that may lose it. `warn`: it is, after a warning. */
export type Durability = 'require' | 'warn';

// With `appendfsync always` a write is on the disk before it is answered; a rewrite of the file must not suspend that. An eviction
// policy would delete what was acknowledged.
const NEEDED: Readonly<Record<string, string>> = {
  appendonly: 'yes',
  appendfsync: 'always',
  'no-appendfsync-on-rewrite': 'no',
  'maxmemory-policy': 'noeviction',
};

/** Compares a server's settings with what is needed. @returns what is wrong with them, in words; undefined: nothing */
export async function weaknessOf(redis: Redis): Promise<string | undefined> {
  let settings: Map<string, string>;
  try {
    const [append, memory] = await Promise.all([redis.config('GET', '*append*'), redis.config('GET', 'maxmemory-policy')]);
    settings = new Map([...pairsOf(append), ...pairsOf(memory)]);
  } catch (error) {
    // CONFIG may be forbidden: then nobody knows. Anything else is a failure of the connection.
    if (!(error instanceof Error) || error.name !== 'ReplyError') throw error;
    return 'its settings cannot be read (CONFIG GET is refused)';
  }
  const wrong = Object.entries(NEEDED).filter(([name, value]) => settings.get(name) !== value);
  if (wrong.length === 0) return undefined;
  return wrong.map(([name, value]) => `${name} is ${settings.get(name) ?? 'unknown'}, must be ${value}`).join('; ');
}

/** @throws WatchwordError `queue_unavailable` for a server that is too weak, when it is required not to be */
export async function insistOnDurability(
  redis: Redis,
  durability: Durability,
  onWarning: (warning: string) => void,
): Promise<void> {
  const weakness = await weaknessOf(redis);
  if (weakness === undefined) return;
  const warning = `The Redis server may lose deferred requests that were acknowledged: ${weakness}`;
  if (durability === 'require') throw new WatchwordError('queue_unavailable', warning);
  onWarning(warning);
}

/** @returns the value, or an Error when fewer replicas have confirmed what led to it */
export function insistOnCopies(value: unknown, copies: number, replicas: number): unknown {
  if (copies >= replicas) return value;
  return new WatchwordError('queue_unavailable', `Only ${copies} of ${replicas} replicas have the change`);
}

function* pairsOf(flat: unknown): Generator<[string, string]> {
  const texts = (flat as readonly unknown[]).map(String);
  for (let index = 0; index + 1 < texts.length; index += 2) yield [texts[index]!, texts[index + 1]!];
}
