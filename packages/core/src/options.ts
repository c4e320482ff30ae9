/** Checks of option values that several stages share. Every numeric option passes through here (B2). */
import { assertConfig } from './errors.ts';

/**
 * A finite number above zero.
 * @throws WatchwordError `config_invalid` naming the option
 */
export function assertPositive(value: unknown, name: string): number {
  const good = typeof value === 'number' && Number.isFinite(value) && value > 0 && value <= 1e12;
  assertConfig(good, `${name}: must be a finite number above 0`);
  return value;
}

/**
 * A finite number from `least` to `most`.
 * @throws WatchwordError `config_invalid` naming the option and the range
 */
export function assertBetween(value: unknown, least: number, most: number, name: string): number {
  const good = typeof value === 'number' && Number.isFinite(value) && value >= least && value <= most;
  assertConfig(good, `${name}: must be a number from ${least} to ${most}`);
  return value;
}

/** A function. @throws WatchwordError `config_invalid` */
export function assertFunction<Type>(value: Type, name: string): Type {
  assertConfig(typeof value === 'function', `${name}: must be a function`);
  return value;
}

/** A non-empty string. @throws WatchwordError `config_invalid` naming the option */
export function assertText(value: unknown, name: string): string {
  assertConfig(typeof value === 'string' && value !== '', `${name}: must be a non-empty string`);
  return value;
}

/**
 * Refuses options that nobody reads, and null: neither a typing error nor an empty line of a configuration file may silently mean
 * the default (B2).
 * @throws WatchwordError `config_invalid`
 */
export function assertKnownOptions(options: unknown, known: readonly string[], place: string): void {
  assertConfig(typeof options === 'object' && options !== null && !Array.isArray(options), `${place}: must be an object`);
  for (const [name, value] of Object.entries(options)) {
    assertConfig(known.includes(name), `${place}.${name}: unknown option`);
    assertConfig(value !== null, `${place}.${name}: must not be null`);
  }
}
