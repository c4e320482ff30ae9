/** Reads the options of a remote key source, once and completely. */
import { type Clock, systemClock } from '../clock.ts';
import { assertConfig } from '../errors.ts';
import { assertBetween, assertFunction, assertKnownOptions, assertPositive, assertText } from '../options.ts';
import { type Random, type Schedule, systemSchedule } from '../revocation/schedule.ts';
import { metadataUrl } from './discovery.ts';
import type { Fetch, FetchLimits } from './fetch-jwks.ts';
import { createGuardedFetch } from './guarded-fetch.ts';
import { type HostRules, createHostRules } from './host-rules.ts';
import type { RemoteKeysOptions } from './remote-keys.ts';

/** Checked options with every default in place. */
export interface RemoteSettings extends FetchLimits {
  readonly issuer: string;
  /** The JWK Set, or the metadata document that names it. */
  readonly url: string;
  readonly isDiscovered: boolean;
  readonly algorithms: readonly string[];
  readonly cooldownMs: number;
  readonly refreshMs: number;
  readonly maxAgeMs: number;
  readonly retentionMs: number;
  readonly hosts: HostRules;
  readonly fetch: Fetch;
  readonly clock: Clock;
  readonly schedule: Schedule;
  readonly random: Random;
}

const OPTIONS: readonly (keyof RemoteKeysOptions)[] = [
  'issuer',
  'url',
  'discovery',
  'algorithms',
  'timeoutMs',
  'maxBytes',
  'cooldownMs',
  'refreshMs',
  'maxAgeMs',
  'retentionMs',
  'allowHosts',
  'allowInsecure',
  'fetch',
  'clock',
  'schedule',
  'random',
];

/** @throws WatchwordError `config_invalid` naming the option */
export function readRemoteSettings(options: RemoteKeysOptions): RemoteSettings {
  assertKnownOptions(options, OPTIONS, 'remoteKeys');
  const issuer = assertText(options.issuer, 'issuer');
  const hosts = createHostRules(options);
  assertConfig(Array.isArray(options.algorithms) && options.algorithms.length > 0, 'algorithms: must be a non-empty list');
  return {
    issuer,
    url: readAddress(options, issuer, hosts),
    isDiscovered: options.discovery !== undefined,
    algorithms: options.algorithms,
    hosts,
    ...readTimes(options),
    fetch: assertFunction(options.fetch ?? createGuardedFetch(hosts), 'fetch'),
    clock: assertFunction(options.clock ?? systemClock, 'clock'),
    schedule: assertFunction(options.schedule ?? systemSchedule, 'schedule'),
    random: assertFunction(options.random ?? Math.random, 'random'),
  };
}

function readAddress({ url, discovery }: RemoteKeysOptions, issuer: string, hosts: HostRules): string {
  assertConfig((url === undefined) !== (discovery === undefined), 'remoteKeys: give either url or discovery');
  if (discovery === undefined) return hosts.readUrl(url, 'url').href;
  assertConfig(discovery === 'oidc' || discovery === 'oauth', 'discovery: must be "oidc" or "oauth"');
  return metadataUrl(hosts.readUrl(issuer, 'issuer'), discovery);
}

type Times = 'timeoutMs' | 'maxBytes' | 'cooldownMs' | 'refreshMs' | 'maxAgeMs' | 'retentionMs';

function readTimes(options: RemoteKeysOptions): Pick<RemoteSettings, Times> {
  const refreshMs = assertPositive(options.refreshMs ?? 300_000, 'refreshMs');
  const maxAgeMs = assertPositive(options.maxAgeMs ?? Math.max(3_600_000, refreshMs), 'maxAgeMs');
  assertConfig(maxAgeMs >= refreshMs, 'maxAgeMs: must be at least refreshMs');
  return {
    // AbortSignal.timeout takes whole numbers only.
    timeoutMs: Math.ceil(assertBetween(options.timeoutMs ?? 5_000, 1, 600_000, 'timeoutMs')),
    maxBytes: assertPositive(options.maxBytes ?? 524_288, 'maxBytes'),
    cooldownMs: assertPositive(options.cooldownMs ?? 15_000, 'cooldownMs'),
    refreshMs,
    maxAgeMs,
    retentionMs: assertBetween(options.retentionMs ?? 0, 0, 1e12, 'retentionMs'),
  };
}
