/** From the section `deferred` to a door and the work behind it. */
import { createHash } from 'node:crypto';
import { type Clock, type RevocationView, createDeferredVerifier, createScreen, systemClock } from '@watchword/core';
import { type Queue, type Receipts, createReceipts } from '@watchword/deferred';
import type { Trust } from '../assemble/trust.ts';
import type { Checks } from '../checks.ts';
import type { GatewayConfig } from '../config/config.ts';
import { readEncryptionKeys } from '../config/secret-files.ts';
import type { Logger } from '../logger.ts';
import type { Take } from '../reload/shelf.ts';
import { type DeferredDoor, createDoor } from './door.ts';
import { openDeferredQueue, queueIdOf } from './open-queue.ts';
import { type DoJobs, type WorkParts, createWork } from './work.ts';

/** Both sides of the queue. */
export interface Deferral {
  readonly queue: Queue;
  readonly receipts: Receipts;
  readonly door: DeferredDoor;
  /** Does jobs by the rules of this configuration. */
  readonly work: DoJobs;
}

/** What a deferral shares with the rest of a configuration. */
export interface DeferralParts extends Pick<WorkParts, 'route' | 'authorize' | 'exchange' | 'upstreams'> {
  readonly trust: Trust;
  readonly checks: Checks['checks'];
  /** The revocations known here; undefined: nothing can be revoked. */
  readonly revocations: RevocationView | undefined;
  readonly take: Take;
  readonly logger: Logger;
  readonly clock?: Clock | undefined;
}

/** Opens the queue and builds both sides; undefined without a section `deferred`. @throws ConfigError */
export function createDeferral(config: GatewayConfig, parts: DeferralParts): Deferral | undefined {
  const { deferred: section } = config;
  if (section === undefined) return undefined;
  const { trust, checks, revocations, take, clock = systemClock } = parts;
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
      clock,
      receipts,
      // How fresh is fresh enough is each route's own choice, made when it authorizes.
      verifier: createDeferredVerifier({ ...trust.policy, whenStale: 'accept', ...(revocations && { revocations }) }),
      decorate: (verifier) => trust.withStatusLists(verifier),
      answerBytes: bodyBytes,
    }),
  };
}

function takeQueue(config: GatewayConfig, { take, clock, logger }: DeferralParts): Queue {
  return take(
    queueIdOf(config),
    () => openDeferredQueue(config, { clock, onWarning: (warning) => logger.warn({ code: 'queue_unavailable' }, warning) }),
    (made) => made.close(),
  );
}

function takeReceipts(config: GatewayConfig, take: Take): Receipts {
  const keys = readEncryptionKeys(config, config.deferred!.sealKeyFile, ['deferred', 'sealKeyFile'])!;
  const digests = keys.map((key) => createHash('sha256').update(key).digest('base64url'));
  return take(['receipts', digests], () => createReceipts({ keys }));
}
