/** The revocations of a running gateway: which tokens were taken back, and whether that is known well enough for a route. */
import {
  type Clock,
  type Revocation,
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
  /** Revokes here, in the threads that serve, and in the log. @throws as `Revocations.revoke` (as a rejection) */
  revoke(revocation: Revocation): Promise<void>;
  /**
   * Puts in force here, too, what the one knows that came after this one: for the streams that still run here, and because a reload
   * may come back to this one.
   */
  heed(newer: RevocationGuard): void;
  /** Whether the first snapshot has been taken. */
  isReady(): boolean;
  /** Resolves when it has been taken, and all that newer ones know, or after this time. */
  settled(timeoutMs: number): Promise<void>;
  /** Refuses revoked tokens. Put the cache in front of it. */
  guard(verifier: Verifier): Verifier;
  /** Refuses while less is known than the route asks for. @throws WatchwordError `revocation_unavailable` */
  assertFresh(route: Pick<Route, 'freshness'>): void;
  /** Stops following and closes the log, appends under way first. */
  close(): Promise<void>;
}

/** What a guard has besides its configuration. */
export interface RevocationGuardParts {
  readonly clock?: Clock | undefined;
  /** The one that it takes the place of: what that knows stays revoked, and is stored if it was not. */
  readonly earlier?: RevocationGuard | undefined;
  /** Is told of what is revoked here, not of what the log brings; at once, whether or not it can be stored. */
  readonly onRevoke?: ((revocation: Revocation) => void) | undefined;
}

/** Opens the log and starts to follow it; undefined without a section `revocation`. @throws ConfigError */
export function createRevocationGuard(
  config: GatewayConfig,
  logger: Logger,
  parts: RevocationGuardParts = {},
): RevocationGuard | undefined {
  return config.revocation === undefined ? undefined : new FollowingGuard(config, config.revocation, logger, parts);
}

class FollowingGuard implements RevocationGuard {
  readonly revocations: Revocations;
  acceptedWhileStale = 0;
  readonly #log: ReturnType<typeof openRevocationLog>;
  readonly #clock: Clock;
  readonly #onRevoke: (revocation: Revocation) => void;
  #isReady = false;
  #heeding: Promise<unknown> = Promise.resolve();

  constructor(
    config: GatewayConfig,
    section: RevocationConfig,
    logger: Logger,
    { clock, earlier, onRevoke = () => {} }: RevocationGuardParts,
  ) {
    this.#onRevoke = onRevoke;
    this.#clock = clock ?? systemClock;
    this.#log = watchedLog(openRevocationLog(config, section, clock), logger);
    this.revocations = createRevocations({
      log: this.#log,
      clock: this.#clock,
      ...(earlier && { earlier: earlier.revocations }),
    });
    this.#awaitSnapshot(logger).catch(() => {});
  }

  revoke(revocation: Revocation): Promise<void> {
    const stored = this.revocations.revoke(revocation);
    this.#onRevoke(revocation);
    return stored;
  }

  heed(newer: RevocationGuard): void {
    this.#heeding = Promise.all([this.#heeding, this.revocations.heed(newer.revocations)]);
  }

  isReady(): boolean {
    return this.#isReady;
  }

  async settled(timeoutMs: number): Promise<void> {
    const { promise: late, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, timeoutMs);
    await Promise.race([Promise.all([this.revocations.ready().catch(() => {}), this.#heeding]), late]);
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
