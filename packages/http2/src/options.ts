/** Checks of options, made once. */
import { assertConfig } from '@watchword/core';

/** Refuses options that nobody reads. @throws WatchwordError `config_invalid` naming the place */
export function assertNames(options: unknown, known: readonly string[], place: string): void {
  assertConfig(typeof options === 'object' && options !== null && !Array.isArray(options), `${place}: must be an object`);
  for (const name of Object.keys(options)) assertConfig(known.includes(name), `${place}.${name}: unknown option`);
}

/** A whole number from `least` to `most`. @throws WatchwordError `config_invalid` naming the option */
export function assertCount(value: unknown, least: number, most: number, name: string): number {
  const good = Number.isInteger(value) && (value as number) >= least && (value as number) <= most;
  assertConfig(good, `${name}: must be a whole number from ${least} to ${most}`);
  return value as number;
}
