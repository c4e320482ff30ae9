/** The revocations of a running gateway: which tokens were taken back, and whether that is known well enough for a route. */
import {
  type Clock,
  type Revocations,
  type Verifier,
  WatchwordError,
  assertFresh,
  createRevocableVerifier,
  createRevocations,
  systemClock,
} from '@watchword/core';
import type { GatewayConfig, RevocationConfig } from '../config/config.ts';
import type { Logger } from '../logger.ts';
import type { Route } from '../routing/route.ts';
import { openRevocationLog } from './open-log.ts';
import { watchedLog } from './watched-log.ts';

/** What the gateway asks about revocations. */
export interface RevocationGuard {
  readonly revocations: Revocations;
  /** Requests accepted although less was known than the route wants to know. */
  readonly acceptedWhileStale: number;
  /** Whether the first snapshot has been taken. */
  isReady(): boolean;
  /** Resolves when it has been taken, or after this time. */
  settled(timeoutMs: number): Promise<void>;
  /** Refuses revoked tokens. Put the cache in front of it. */
  guard(verifier: Verifier): Verifier;
  /** Refuses while less is known than the route asks for. @throws WatchwordError `revocation_unavailable` */
  assertFresh(route: Pick<Route, 'freshness'>): void;
  /** Stops following and closes the log, appends under way first. */
  close(): Promise<void>;
}

/**
 * Opens the log and starts to follow it; undefined without a section `revocation`.
 * @param earlier the one that it takes the place of: what that knows stays revoked, and is stored if it was not
 * @throws ConfigError
 */
export function createRevocationGuard(
  config: GatewayConfig,
  logger: Logger,
  clock?: Clock,
  earlier?: RevocationGuard,
): RevocationGuard | undefined {
  return config.revocation === undefined ? undefined : new FollowingGuard(config, config.revocation, logger, clock, earlier);
}

class FollowingGuard implements RevocationGuard {
  readonly revocations: Revocations;
  acceptedWhileStale = 0;
  readonly #log: ReturnType<typeof openRevocationLog>;
  readonly #clock: Clock;
  #isReady = false;

  constructor(
    config: GatewayConfig,
    section: RevocationConfig,
    logger: Logger,
    clock: Clock | undefined,
    earlier: RevocationGuard | undefined,
  ) {
    this.#clock = clock ?? systemClock;
    this.#log = watchedLog(openRevocationLog(config, section, clock), logger);
    this.revocations = createRevocations({
      log: this.#log,
      clock: this.#clock,
      ...(earlier && { earlier: earlier.revocations }),
    });
    this.#awaitSnapshot(logger).catch(() => {});
  }

  isReady(): boolean {
    return this.#isReady;
  }

  async settled(timeoutMs: number): Promise<void> {
    const { promise: late, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, timeoutMs);
    await Promise.race([this.revocations.ready().catch(() => {}), late]);
    clearTimeout(timer);
  }

  // How fresh is fresh enough is each route's own choice, so it is not part of the verdict that the cache keeps.
  guard(verifier: Verifier): Verifier {
    return createRevocableVerifier(verifier, this.revocations, { whenStale: 'accept', clock: this.#clock });
  }

  assertFresh({ freshness }: Pick<Route, 'freshness'>): void {
    // `accept` trusts what is known. Before the first snapshot nothing is, and a restart would bring every token back.
    if (freshness === undefined || !this.#isReady) {
      throw new WatchwordError('revocation_unavailable', 'The revocations have not been read yet');
    }
    const nowMs = this.#clock();
    assertFresh(this.revocations, freshness, nowMs);
    if (!(Math.abs(nowMs - this.revocations.freshAtMs) <= freshness.staleAfterMs)) this.acceptedWhileStale += 1;
  }

  async close(): Promise<void> {
    this.revocations.close();
    await this.#log.close();
  }

  async #awaitSnapshot(logger: Logger): Promise<void> {
    await this.revocations.ready();
    this.#isReady = true;
    logger.info('revocations loaded');
  }
}
