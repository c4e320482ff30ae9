/** Writes what core announces through `diagnostics_channel` to the log. */
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import {
  CACHE_NOT_WORTH_CHANNEL,
  CLOCK_STEP_CHANNEL,
  type CacheNotWorth,
  type ClockStep,
  KEY_VANISHED_CHANNEL,
  type KeyVanished,
} from '@watchword/core';
import type { Logger } from './logger.ts';

/** Which announcements are ours: the channels belong to the whole process. */
export interface AlarmScope {
  readonly issuers: ReadonlySet<string>;
  /** `policyId` of the cache. */
  readonly policyId: string | undefined;
}

/** Listens until the returned function is called. */
export function logAlarms({ issuers, policyId }: AlarmScope, logger: Logger): () => void {
  const vanished = (message: unknown): void => {
    const { issuer, alg, kid, replaced, retainedUntilMs } = message as KeyVanished;
    if (!issuers.has(issuer)) return;
    const retainedUntil = retainedUntilMs === undefined ? undefined : new Date(retainedUntilMs).toISOString();
    // The key id is the issuer's, from its key set: no caller chose it.
    logger.warn({ issuer, alg, kid, replaced, retainedUntil }, 'a key in use vanished from the keys of its issuer');
  };
  const notWorth = (message: unknown): void => {
    const { policyId: about, ...figures } = message as CacheNotWorth;
    if (about === policyId) logger.warn(figures, 'the cache costs more than it saves');
  };
  const stepped = (message: unknown): void => {
    const { stepMs } = message as ClockStep;
    logger.warn({ stepMs }, 'the clock went wrong: tokens may be taken for older or younger than they are');
  };
  subscribe(CLOCK_STEP_CHANNEL, stepped);
  subscribe(KEY_VANISHED_CHANNEL, vanished);
  subscribe(CACHE_NOT_WORTH_CHANNEL, notWorth);
  return () => {
    unsubscribe(CLOCK_STEP_CHANNEL, stepped);
    unsubscribe(KEY_VANISHED_CHANNEL, vanished);
    unsubscribe(CACHE_NOT_WORTH_CHANNEL, notWorth);
  };
}
