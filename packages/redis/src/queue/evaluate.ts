/** Scripts by their digest, as Redis remembers them. */
import { createHash } from 'node:crypto';
import type { Redis } from 'ioredis';
import type { QueueScript } from './prelude.ts';

/** An argument of a script. */
export type Argument = string | number | Uint8Array;

const DIGESTS = new WeakMap<QueueScript, string>();

/** @returns what it gives, texts as Buffers; or an Error that the server has answered: that says nothing about the connection */
export async function evaluate(redis: Redis, script: QueueScript, key: string, facts: readonly Argument[]): Promise<unknown> {
  const args = facts.map(argumentOf);
  const ask = async (command: string, first: string): Promise<unknown> => {
    try {
      return await redis.callBuffer(command, first, 1, key, ...args);
    } catch (error) {
      if (error instanceof Error && error.name === 'ReplyError') return error;
      throw error;
    }
  };
  const answer = await ask('EVALSHA', digestOf(script));
  return answer instanceof Error && answer.message.startsWith('NOSCRIPT') ? ask('EVAL', script.lua) : answer;
}

/** What a fact takes on its way. */
export function bytesOf(facts: readonly Argument[]): number {
  return facts.reduce<number>((sum, fact) => sum + (typeof fact === 'number' ? 8 : fact.length), 0);
}

function digestOf(script: QueueScript): string {
  const known = DIGESTS.get(script);
  if (known !== undefined) return known;
  const digest = createHash('sha1').update(script.lua).digest('hex');
  DIGESTS.set(script, digest);
  return digest;
}

function argumentOf(value: Argument): string | Buffer {
  if (value instanceof Uint8Array) return Buffer.from(value.buffer, value.byteOffset, value.byteLength);
  return String(value);
}
