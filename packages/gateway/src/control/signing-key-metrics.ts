/** What the metrics say about signing keys. */
import type { SigningKeySet } from '@watchword/core';
import { type Add, type Total, plain } from './scraped-metric.ts';

/** Where the numbers come from. */
export interface SigningKeyMetricSource {
  readonly keys: Pick<SigningKeySet, 'describe' | 'stats'>;
  /** From the activation of one key to that of the next. */
  readonly rotateEverySeconds: number;
  readonly clock: () => number;
}

/** Adds them. Only the thread that looks after the keys has these. */
export function addSigningKeys({ keys, rotateEverySeconds, clock }: SigningKeyMetricSource, add: Add, total: Total): void {
  const gauge = (name: string, help: string, value: () => number | undefined): void =>
    add('gauge', `signing_key_${name}`, help, () => {
      const number = value();
      return number === undefined ? [] : [plain(number)];
    });
  const activation = (state: 'current' | 'next'): number | undefined =>
    keys.describe().find((key) => key.state === state)?.activatesAtMs;
  gauge('age_seconds', 'Time since the current key began to sign', () => {
    const sinceMs = activation('current');
    return sinceMs === undefined ? undefined : (clock() - sinceMs) / 1000;
  });
  gauge('next_rotation_seconds', 'Time until another key signs; below 0: it is late', () => {
    const [nextMs, sinceMs] = [activation('next'), activation('current')];
    if (nextMs !== undefined) return (nextMs - clock()) / 1000;
    return sinceMs === undefined ? undefined : (sinceMs - clock()) / 1000 + rotateEverySeconds;
  });
  gauge('published', 'Keys that are published: next, current and retiring', () => keys.describe().length);
  gauge('store_reachable', '1: the last look at the store worked; 0: it did not', () => (keys.stats().isReachable ? 1 : 0));
  gauge('store_lag_seconds', 'Time since the store was last read; +Inf: never', () => keys.stats().lagMs / 1000);
  total('signing_key_rotations_total', 'Keys made by this instance', () => keys.stats().rotations);
  total('signing_key_store_failures_total', 'Failures to read or write the store', () => keys.stats().failures);
  total('signing_key_restored_total', 'Keys given back to a store that had lost them', () => keys.stats().restored);
}
