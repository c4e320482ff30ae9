/** From the section `deferred` to a door and the work behind it. */
import { createHash } from 'node:crypto';
import { resolve } from 'node:path';
import { type Clock, type Verifier, createDeferredVerifier, createScreen, systemClock } from '@watchword/core';
import { type Queue, type Receipts, createReceipts, createSqliteQueue } from '@watchword/deferred';
import type { Trust } from '../assemble.ts';
import type { Checks } from '../checks.ts';
import type { GatewayConfig } from '../config/config.ts';
import { baseDirectoryOf, configErrorAt } from '../config/locate.ts';
import { readEncryptionKeys } from '../config/secret-files.ts';
import type { Take } from '../reload/shelf.ts';
import { type DeferredDoor, createDoor } from './door.ts';
import { type DoJob, type WorkParts, createWork } from './work.ts';

/** Both sides of the queue. */
export interface Deferral {
  readonly queue: Queue;
  readonly receipts: Receipts;
  readonly door: DeferredDoor;
  /** Does one job by the rules of this configuration. */
  readonly work: DoJob;
}

/** What a deferral shares with the rest of a configuration. */
export interface DeferralParts extends Pick<WorkParts, 'route' | 'authorize' | 'exchange' | 'upstreams'> {
  readonly trust: Trust;
  readonly checks: Checks['checks'];
  /** Puts revocations around a verifier. */
  readonly withRevocations: (verifier: Verifier) => Verifier;
  readonly take: Take;
  readonly clock?: Clock | undefined;
}

/** Opens the queue and builds both sides; undefined without a section `deferred`. @throws ConfigError */
export function createDeferral(config: GatewayConfig, parts: DeferralParts): Deferral | undefined {
  const { deferred: section } = config;
  if (section === undefined) return undefined;
  const { trust, checks, take, clock = systemClock } = parts;
  const queue = takeQueue(config, parts);
  const receipts = takeReceipts(config, take);
  const { bodyBytes, statusPath } = section;
  const screen = createScreen({ ...trust.policy, isKnownBad: (compact, key) => checks.isBad(compact, key) });
  return {
    queue,
    receipts,
    door: createDoor({ queue, receipts, screen, clock, bodyBytes, statusPath }),
    work: createWork({
      ...parts,
      receipts,
      verifier: createDeferredVerifier(trust.policy),
      decorate: (verifier) => parts.withRevocations(trust.withStatusLists(verifier)),
      answerBytes: bodyBytes,
    }),
  };
}

function takeQueue(config: GatewayConfig, { take, clock }: DeferralParts): Queue {
  const { queue, limits, outcomesKeptSeconds } = config.deferred!;
  return take(
    ['deferred queue', resolve(baseDirectoryOf(config), queue.sqlite), limits, outcomesKeptSeconds],
    () => openDeferredQueue(config, clock),
    (made) => made.close(),
  );
}

/** Opens the queue of a configuration that has a section `deferred`. @throws ConfigError */
export function openDeferredQueue(config: GatewayConfig, clock?: Clock): Queue {
  const { queue, limits, outcomesKeptSeconds } = config.deferred!;
  const path = resolve(baseDirectoryOf(config), queue.sqlite);
  try {
    return createSqliteQueue({
      path,
      limits,
      outcomesKeptMs: outcomesKeptSeconds * 1000,
      ...(clock === undefined ? {} : { clock }),
    });
  } catch (cause) {
    throw configErrorAt(config, ['deferred', 'queue', 'sqlite'], 'cannot be opened', cause);
  }
}

function takeReceipts(config: GatewayConfig, take: Take): Receipts {
  const keys = readEncryptionKeys(config, config.deferred!.sealKeyFile, ['deferred', 'sealKeyFile'])!;
  const digests = keys.map((key) => createHash('sha256').update(key).digest('base64url'));
  return take(['receipts', digests], () => createReceipts({ keys }));
}
