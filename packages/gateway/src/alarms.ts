/** Writes what core announces through `diagnostics_channel` to the log. */
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import {
  CACHE_NOT_WORTH_CHANNEL,
  CLOCK_STEP_CHANNEL,
  type CacheNotWorth,
  type ClockStep,
  HEADER_BUDGET_CHANNEL,
  type HeaderBudgetNear,
  KEY_VANISHED_CHANNEL,
  type KeyVanished,
  TXN_TOKEN_NOT_INDEXED_CHANNEL,
  type TxnTokenNotIndexed,
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
  // Each request would say it again.
  const told = new Set<string>();
  const once = (about: string, work: () => void): void => {
    if (told.has(about) || told.size >= 100) return;
    told.add(about);
    work();
  };
  const notIndexed = (message: unknown): void => {
    const { place, entryBytes, tableBytes } = message as TxnTokenNotIndexed;
    once(`token ${place}`, () =>
      logger.warn({ place, entryBytes, tableBytes }, 'Txn-Tokens are too long to be indexed: each request carries one in full'),
    );
  };
  const budgetNear = (message: unknown): void => {
    const { place, listBytes, budgetBytes } = message as HeaderBudgetNear;
    once(`budget ${place}`, () =>
      logger.warn({ place, listBytes, budgetBytes }, 'request headers come near what the receiver takes'),
    );
  };
  subscribe(TXN_TOKEN_NOT_INDEXED_CHANNEL, notIndexed);
  subscribe(HEADER_BUDGET_CHANNEL, budgetNear);
  subscribe(CLOCK_STEP_CHANNEL, stepped);
  subscribe(KEY_VANISHED_CHANNEL, vanished);
  subscribe(CACHE_NOT_WORTH_CHANNEL, notWorth);
  return () => {
    unsubscribe(TXN_TOKEN_NOT_INDEXED_CHANNEL, notIndexed);
    unsubscribe(HEADER_BUDGET_CHANNEL, budgetNear);
    unsubscribe(CLOCK_STEP_CHANNEL, stepped);
    unsubscribe(KEY_VANISHED_CHANNEL, vanished);
    unsubscribe(CACHE_NOT_WORTH_CHANNEL, notWorth);
  };
}
