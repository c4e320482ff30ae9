/** A set of signing keys as the text that a store holds. */
import { type KeyObject, createPrivateKey } from 'node:crypto';
import { ALGORITHMS } from './algorithms.ts';
import type { Seal } from './seal.ts';
import { SigningKey } from './signing-key.ts';
import type { WithdrawnKey } from './signing-key-merge.ts';
import type { ScheduledKey } from './signing-keys.ts';

/** What is stored. */
export interface SigningKeyDocument {
  /** How often keys were made, over all instances. */
  readonly rotations: number;
  readonly keys: readonly ScheduledKey[];
  /** Keys that must not come back. */
  readonly withdrawn: readonly WithdrawnKey[];
}

const TIMES = ['publishedAtMs', 'activatesAtMs', 'endsAtMs', 'tokensUntilMs', 'goneAtMs'] as const;
const FORMAT = 'watchword-signing-keys-1';
const SEALED = 'sealed:';

/** The purpose to which seals of these documents are bound. */
export const SEAL_PURPOSE: string = FORMAT;

/** The text, sealed as a whole if there is a seal: times and key ids are as worthy of protection from change as keys. */
export function encodeSigningKeys({ rotations, keys, withdrawn }: SigningKeyDocument, seal: Seal | undefined): string {
  const text = JSON.stringify({ format: FORMAT, rotations, keys: keys.map(encodeKey), withdrawn });
  return seal === undefined ? text : `${SEALED}${seal.close(text)}`;
}

/**
 * Reads the text again. With a seal nothing else is taken: who can write the store could otherwise bring keys of his own.
 * @throws Error without any part of the text in it
 */
export function decodeSigningKeys(content: string, seal: Seal | undefined): SigningKeyDocument {
  const document = parse(openContent(content, seal));
  insist(isRecord(document) && document['format'] === FORMAT, 'has an unknown format');
  const { rotations, keys, withdrawn = [] } = document;
  insist(Number.isSafeInteger(rotations) && Array.isArray(keys) && Array.isArray(withdrawn), 'is incomplete');
  const read = keys.map((one: unknown) => decodeKey(one));
  insist(new Set(read.map(({ key }) => key.kid)).size === read.length, 'names a key twice');
  return { rotations: rotations as number, keys: read, withdrawn: withdrawn.map((one: unknown) => decodeWithdrawn(one)) };
}

function encodeKey({ key, ...times }: ScheduledKey): object {
  const pkcs8 = SigningKey.keyObjectOf(key).export({ format: 'der', type: 'pkcs8' });
  return { kid: key.kid, alg: key.algorithm.name, ...times, pkcs8: pkcs8.toString('base64') };
}

function decodeKey(one: unknown): ScheduledKey {
  insist(isRecord(one), 'holds what is no key');
  const { kid, alg, pkcs8 } = one;
  insist(
    typeof kid === 'string' && typeof alg === 'string' && typeof pkcs8 === 'string',
    'holds a key without kid, alg or pkcs8',
  );
  const algorithm = ALGORITHMS.get(alg);
  insist(algorithm !== undefined && algorithm.kty !== 'oct', 'holds a key of an unknown algorithm');
  return { key: new SigningKey(importKey(pkcs8), algorithm, kid), ...readTimes(one) };
}

function decodeWithdrawn(one: unknown): WithdrawnKey {
  insist(isRecord(one), 'holds a withdrawal that is none');
  const { kid, untilMs } = one;
  insist(typeof kid === 'string' && typeof untilMs === 'number', 'holds a withdrawal without kid or time');
  return { kid, untilMs };
}

function readTimes(one: Record<string, unknown>): Omit<ScheduledKey, 'key'> {
  const [publishedAtMs, activatesAtMs, endsAtMs, tokensUntilMs, goneAtMs] = TIMES.map((name) => one[name]);
  const times = [publishedAtMs, activatesAtMs, endsAtMs, tokensUntilMs, goneAtMs] as number[];
  const inOrder = times.every((time, index) => Number.isFinite(time) && (index === 0 || times[index - 1]! <= time));
  insist(inOrder, 'holds a key whose times are not in order');
  return Object.fromEntries(TIMES.map((name, index) => [name, times[index]!])) as unknown as Omit<ScheduledKey, 'key'>;
}

function openContent(content: string, seal: Seal | undefined): string {
  const isSealed = content.startsWith(SEALED);
  if (seal === undefined) {
    insist(!isSealed, 'is encrypted, and there is no key for it');
    return content;
  }
  insist(isSealed, 'is not encrypted, and must be');
  return seal.open(content.slice(SEALED.length));
}

// What a parser or OpenSSL says may quote what it read.
function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    insist(false, 'is not JSON');
  }
}

function importKey(pkcs8: string): KeyObject {
  try {
    return createPrivateKey({ key: Buffer.from(pkcs8, 'base64'), format: 'der', type: 'pkcs8' });
  } catch {
    insist(false, 'holds an unusable key');
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function insist(condition: unknown, what: string): asserts condition {
  if (!condition) throw new Error(`The stored key set ${what}`);
}
