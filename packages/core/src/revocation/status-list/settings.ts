/** Reads the options of status lists, once and completely. */
import { type Clock, systemClock } from '../../clock.ts';
import { assertConfig } from '../../errors.ts';
import type { Fetch, FetchLimits } from '../../keys/fetch-jwks.ts';
import { createGuardedFetch } from '../../keys/guarded-fetch.ts';
import { createHostRules } from '../../keys/host-rules.ts';
import { assertBetween, assertFunction, assertKnownOptions, assertText } from '../../options.ts';
import { algorithmSet, assertKeySource } from '../../verify/policy.ts';
import { type Random, type Schedule, systemSchedule } from '../schedule.ts';
import { type UriFilter, allowUris } from './allowed-uris.ts';
import type { ListRules } from './list-token.ts';
import type { StoreLimits } from './list-store.ts';
import type { StatusListsOptions } from './status-lists.ts';

/** Checked options with every default in place. */
export interface StatusListSettings extends ListRules, StoreLimits, FetchLimits {
  readonly allows: UriFilter;
  readonly maxListBytes: number;
  readonly maxFetchesPerMinute: number;
  readonly cooldownMs: number;
  readonly shortestTtlMs: number;
  readonly refreshMs: number;
  readonly staleAfterMs: number;
  readonly fetch: Fetch;
  readonly clock: Clock;
  readonly schedule: Schedule;
  readonly random: Random;
}

const OPTIONS: readonly (keyof StatusListsOptions)[] = [
  'issuer',
  'keys',
  'algorithms',
  'uris',
  'timeoutMs',
  'maxBytes',
  'maxListBytes',
  'maxLists',
  'maxTotalBytes',
  'maxFetchesPerMinute',
  'cooldownMs',
  'refreshMs',
  'staleAfterMs',
  'toleranceSeconds',
  'allowHosts',
  'allowInsecure',
  'fetch',
  'clock',
  'schedule',
  'random',
];

/** @throws WatchwordError `config_invalid` naming the option */
export function readSettings(options: StatusListsOptions): StatusListSettings {
  assertKnownOptions(options, OPTIONS, 'statusLists');
  const issuer = assertText(options.issuer, 'statusLists.issuer');
  assertKeySource(options.keys, issuer, 'statusLists');
  const hosts = createHostRules(options);
  return {
    issuer,
    keys: options.keys,
    algorithms: algorithmSet(options.algorithms, 'statusLists.algorithms'),
    allows: allowUris(options.uris, hosts, 'statusLists.uris'),
    ...readSizes(options),
    ...readTimes(options),
    fetch: assertFunction(options.fetch ?? createGuardedFetch(hosts), 'statusLists.fetch'),
    clock: assertFunction(options.clock ?? systemClock, 'statusLists.clock'),
    schedule: assertFunction(options.schedule ?? systemSchedule, 'statusLists.schedule'),
    random: assertFunction(options.random ?? Math.random, 'statusLists.random'),
  };
}

const MEBIBYTE = 1 << 20;

type Sizes = 'maxBytes' | 'maxListBytes' | 'maxLists' | 'maxTotalBytes' | 'maxFetchesPerMinute';

function readSizes(options: StatusListsOptions): Pick<StatusListSettings, Sizes> {
  const whole = (name: Sizes, byDefault: number, most: number): number =>
    Math.floor(assertBetween(options[name] ?? byDefault, 1, most, `statusLists.${name}`));
  const maxListBytes = whole('maxListBytes', 8 * MEBIBYTE, 256 * MEBIBYTE);
  const maxTotalBytes = whole('maxTotalBytes', Math.max(64 * MEBIBYTE, maxListBytes), 4096 * MEBIBYTE);
  assertConfig(maxTotalBytes >= maxListBytes, 'statusLists.maxTotalBytes: must be at least maxListBytes');
  return {
    maxBytes: whole('maxBytes', MEBIBYTE, 64 * MEBIBYTE),
    maxListBytes,
    maxTotalBytes,
    maxLists: whole('maxLists', 100, 100_000),
    maxFetchesPerMinute: whole('maxFetchesPerMinute', 60, 60_000),
  };
}

type Times = 'timeoutMs' | 'cooldownMs' | 'refreshMs' | 'staleAfterMs';

function readTimes(options: StatusListsOptions): Pick<StatusListSettings, Times | 'shortestTtlMs' | 'toleranceMs'> {
  const time = (name: Times, byDefault: number, most: number): number =>
    assertBetween(options[name] ?? byDefault, 1, most, `statusLists.${name}`);
  const cooldownMs = time('cooldownMs', 10_000, 86_400_000);
  // Leaves room for a refresh ahead of the ttl.
  const shortestTtlMs = 1.5 * cooldownMs;
  const refreshMs = time('refreshMs', Math.max(300_000, shortestTtlMs), 86_400_000);
  assertConfig(refreshMs >= shortestTtlMs, 'statusLists.refreshMs: must be at least 1.5 times cooldownMs');
  const staleAfterMs = time('staleAfterMs', Math.max(3_600_000, refreshMs), 30 * 86_400_000);
  assertConfig(staleAfterMs >= refreshMs, 'statusLists.staleAfterMs: must be at least refreshMs');
  return {
    // AbortSignal.timeout takes whole numbers only.
    timeoutMs: Math.ceil(time('timeoutMs', 5_000, 600_000)),
    cooldownMs,
    shortestTtlMs,
    refreshMs,
    staleAfterMs,
    toleranceMs: 1000 * assertBetween(options.toleranceSeconds ?? 5, 0, 300, 'statusLists.toleranceSeconds'),
  };
}
