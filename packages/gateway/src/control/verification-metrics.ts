/** What the metrics say about keys, caches, signature checks and status lists. */
import type {
  AdaptiveChecksStats,
  CacheStats,
  KnownBadStats,
  RemoteKeys,
  RemoteKeysStats,
  StatusLists,
  StatusListsStats,
} from '@watchword/core';
import { type Add, type Total, labelled, plain } from './scraped-metric.ts';

/** Adds those of the verification cache. */
export function addCache(stats: () => CacheStats, add: Add, total: Total): void {
  total('cache_hits_total', 'Verifications answered by the cache', () => stats().hits);
  total('cache_misses_total', 'Verifications that the cache could not answer', () => stats().misses);
  total('cache_evictions_total', 'Verdicts that made place for others', () => stats().evictions);
  total('cache_expired_total', 'Verdicts that were found not to hold any more, or gave their places back', () => stats().expired);
  total('cache_dropped_total', 'Verdicts removed because of a revocation or a key that was removed', () => stats().dropped);
  total('cache_saved_seconds_total', 'Time of this process that hits have saved, estimated', () => stats().savedMicros / 1e6);
  add('gauge', 'cache_entries', 'Verdicts in the cache', () => [plain(stats().size)]);
  add('gauge', 'cache_bytes', 'Their estimated memory', () => [plain(stats().bytes)]);
}

/** Adds those of the checks that leave the thread in a burst. */
export function addAdaptive(stats: () => AdaptiveChecksStats, add: Add): void {
  add('counter', 'adaptive_checks_total', 'Signature checks by where they were made; shed: refused with 503', () => {
    const { inline, pooled, shed } = stats();
    return [labelled({ where: 'inline' }, inline), labelled({ where: 'pool' }, pooled), labelled({ where: 'shed' }, shed)];
  });
  add('gauge', 'adaptive_running', 'Signature checks in the thread pool', () => [plain(stats().running)]);
  add('gauge', 'adaptive_waiting', 'Signature checks that wait for the thread pool', () => [plain(stats().waiting)]);
}

/** Adds those of the memory of bad signatures. */
export function addKnownBad(stats: () => KnownBadStats, add: Add, total: Total): void {
  total(
    'known_bad_hits_total',
    'Tokens refused without a signature check, because theirs is known to be bad',
    () => stats().hits,
  );
  total('known_bad_evictions_total', 'Bad signatures that made place for others', () => stats().evictions);
  add('gauge', 'known_bad_entries', 'Bad signatures remembered', () => [plain(stats().size)]);
}

/** Adds those of fetched keys, by issuer. */
export function addKeys(remoteKeys: readonly RemoteKeys[], add: Add): void {
  add('gauge', 'key_age_seconds', 'Age of the fetched keys by issuer; +Inf: never fetched', () =>
    remoteKeys.map((keys) => labelled({ issuer: keys.issuer }, keys.ageMs() / 1000)),
  );
  const each = (type: string, name: string, help: string, value: (stats: RemoteKeysStats) => number): void =>
    add(type, name, help, () => remoteKeys.map((keys) => labelled({ issuer: keys.issuer }, value(keys.stats()))));
  if (remoteKeys.length === 0) return;
  each('counter', 'key_fetches_total', 'Attempts to fetch keys', ({ fetches }) => fetches);
  each('counter', 'key_fetch_failures_total', 'Attempts that gave no keys', ({ failures }) => failures);
  each('counter', 'keys_vanished_total', 'Keys that vanished while in use', ({ vanished }) => vanished);
  each('gauge', 'keys', 'Keys that the issuer publishes', ({ keys }) => keys);
  each('gauge', 'keys_retained', 'Keys trusted only for their retention', ({ retained }) => retained);
}

/** Adds those of Token Status Lists, by issuer. */
export function addStatusLists(statusLists: readonly StatusLists[], add: Add): void {
  if (statusLists.length === 0) return;
  const each = (type: string, name: string, help: string, value: (stats: StatusListsStats) => number): void =>
    add(type, `status_list${name}`, help, () =>
      statusLists.map((lists) => labelled({ issuer: lists.issuer }, value(lists.stats()))),
    );
  each('gauge', 's', 'Token Status Lists known here', ({ lists }) => lists);
  each('gauge', '_bytes', 'Their memory', ({ bytes }) => bytes);
  each('gauge', '_age_seconds', 'Age of the one fetched longest ago', ({ oldestAgeMs }) => oldestAgeMs / 1000);
  each('counter', '_fetches_total', 'Attempts to fetch a list', ({ fetches }) => fetches);
  each('counter', '_fetch_failures_total', 'Attempts that gave no list', ({ failures }) => failures);
  each('counter', '_declined_total', 'Fetches that the budget did not allow', ({ declined }) => declined);
}
