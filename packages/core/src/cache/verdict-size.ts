/** How much memory a verdict takes, estimated from its claims. */
import type { VerifiedToken } from '../verify/verified-token.ts';

/**
 * What a verdict takes apart from its claims: the verdict and its window (150 bytes), and in the flat arrays a slot of 72 bytes, 60
 * of indexes, 20 of order and heads, all with room to grow. Measured on Node 24: the test holds the estimate within 30 %.
 */
const VERDICT_BYTES = 400;
/** Head of an object or a list with its elements. */
const OBJECT_BYTES = 32;
const WORD_BYTES = 8;
/** Head of a string; characters are rounded up to words. */
const STRING_BYTES = 20;
/** V8 keeps short strings once. */
const SHARED_LENGTH = 10;

/** The estimate, in bytes. */
export function estimateBytes({ claims }: VerifiedToken): number {
  return VERDICT_BYTES + sizeOf(claims);
}

function sizeOf(value: unknown): number {
  // Most strings are ASCII; others take twice as much.
  if (typeof value === 'string') return value.length <= SHARED_LENGTH ? 0 : STRING_BYTES + value.length;
  if (typeof value === 'number') return Number.isInteger(value) ? 0 : 2 * WORD_BYTES;
  if (typeof value !== 'object' || value === null) return 0;
  let bytes = OBJECT_BYTES;
  for (const name in value) bytes += WORD_BYTES + sizeOf((value as Record<string, unknown>)[name]);
  return bytes;
}
