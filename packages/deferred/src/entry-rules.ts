/** What a queue checks of what it is given, the same for all implementations: mistakes of the program, not of a client. */
import { WatchwordError, assertConfig } from '@watchword/core';
import type { NewEntry, Outcome } from './queue.ts';

const LONGEST = [
  ['route', 1024],
  ['issuer', 4096],
  ['client', 256],
  ['fingerprint', 256],
] as const;
const REASON = /^[a-z0-9_]{1,64}$/;

/** @throws WatchwordError `internal` for an entry that breaks the contract */
export function assertEntry(entry: NewEntry): void {
  // 22 base64url characters hold 128 bits.
  insist(typeof entry.id === 'string' && /^[\w-]{22,128}$/.test(entry.id), 'id');
  insist(Number.isFinite(entry.acceptedAtMs), 'acceptedAtMs');
  insist(Number.isFinite(entry.runBeforeMs), 'runBeforeMs');
  for (const [name, most] of LONGEST) insist(isText(entry[name], most), name);
  insist(entry.idempotencyKey === undefined || isText(entry.idempotencyKey, 256), 'idempotencyKey');
  insist(entry.payload instanceof Uint8Array, 'payload');
}

/** @throws WatchwordError `internal` for an outcome that breaks the contract: a reason is a code, so that it can never be a value */
export function assertOutcome(outcome: Outcome): void {
  if (outcome.state !== 'done') {
    insist(outcome.state === 'refused' || outcome.state === 'dead', 'outcome.state');
    return insist(REASON.test(outcome.reason), 'outcome.reason');
  }
  insist(Number.isInteger(outcome.status) && outcome.status >= 100 && outcome.status <= 999, 'outcome.status');
  insist(outcome.result === undefined || outcome.result instanceof Uint8Array, 'outcome.result');
}

/** @throws WatchwordError `internal` unless it is a number of milliseconds from `least` to 30 days */
export function assertDelay(delayMs: number, least: number, name: string): void {
  insist(Number.isFinite(delayMs) && delayMs >= least && delayMs <= 30 * 86_400_000, name);
}

/** @throws WatchwordError `internal` unless it is a moment */
export function assertTime(ms: number, name: string): void {
  insist(Number.isFinite(ms), name);
}

/** @throws WatchwordError `internal` unless it is a whole number from 1 to 10,000 */
export function assertCount(count: number, name: string): void {
  insist(Number.isInteger(count) && count >= 1 && count <= 10_000, name);
}

/** A number from `least` to `most`. @throws WatchwordError `config_invalid` */
export function assertBetween(value: unknown, least: number, most: number, name: string): number {
  const isGood = typeof value === 'number' && Number.isFinite(value) && value >= least && value <= most;
  assertConfig(isGood, `${name}: must be a number from ${least} to ${most}`);
  return value;
}

/** A whole number from `least` to `most`. @throws WatchwordError `config_invalid` */
export function assertWhole(value: unknown, least: number, most: number, name: string): number {
  assertConfig(Number.isInteger(value), `${name}: must be a whole number from ${least} to ${most}`);
  return assertBetween(value, least, most, name);
}

/** A function. @throws WatchwordError `config_invalid` */
export function assertFunction<Type>(value: Type, name: string): Type {
  assertConfig(typeof value === 'function', `${name}: must be a function`);
  return value;
}

/** Refuses options that nobody reads. @throws WatchwordError `config_invalid` */
export function assertKnownOptions(options: unknown, known: readonly string[], place: string): void {
  assertConfig(typeof options === 'object' && options !== null && !Array.isArray(options), `${place}: must be an object`);
  for (const [name, value] of Object.entries(options)) {
    assertConfig(known.includes(name), `${place}.${name}: unknown option`);
    assertConfig(value !== null, `${place}.${name}: must not be null`);
  }
}

function isText(value: unknown, most: number): boolean {
  return typeof value === 'string' && value !== '' && value.length <= most;
}

function insist(isGood: boolean, name: string): void {
  if (!isGood) throw new WatchwordError('internal', `Queue: ${name} breaks the contract`);
}
