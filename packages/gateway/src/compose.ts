/** A gateway without a port yet: one thread is one composition. It always has one configuration in force, and swaps it whole. */
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import {
  type Clock,
  type ClockWatch,
  type KeySource,
  SIGNATURE_CHECK_CHANNEL,
  type SharedTable,
  type SigningKey,
  type SigningKeys,
  systemClock,
  watchClock,
} from '@watchword/core';
import { logAlarms } from './alarms.ts';
import type { Trust, TrustDependencies } from './assemble/trust.ts';
import type { Worker } from '@watchword/deferred';
import type { GatewayConfig } from './config/config.ts';
import type { ControlOptions, Readiness } from './control/control-server.ts';
import { Tally } from './control/tally.ts';
import { runJobs } from './deferred/run-jobs.ts';
import { type Edge, createEdge } from './front/edge.ts';
import { type Generation, composeGeneration } from './generation.ts';
import { inTime } from './generation/running.ts';
import type { Logger } from './logger.ts';
import type { ReloadStats } from './reload/reload-stats.ts';
import { RetiredKeys } from './reload/retired-keys.ts';
import { Shelf } from './reload/shelf.ts';
import type { RevocationGuard, RevocationGuardParts } from './revocation/guard.ts';
import { type DecisionServices, createDecisionServices } from './services/decision-service.ts';
import type { WatchedSigningKeys } from './signing-keys/watched.ts';

/** What a composition takes from outside. */
export interface CompositionDependencies extends Omit<TrustDependencies, 'take' | 'checks'> {
  readonly logger: Logger;
  /** The key of the Txn-Tokens; undefined: what the configuration says. */
  readonly txnKey?: SigningKey | SigningKeys | undefined;
  /** What this thread shares with others. */
  readonly table?: SharedTable | undefined;
  /** For metrics; undefined: another thread shows them. */
  readonly reloads?: ReloadStats | undefined;
  /** Is told of what is revoked here. */
  readonly onRevoke?: RevocationGuardParts['onRevoke'];
  /** Whether the requests of the token service are answered here: by one thread, not by each. */
  readonly hostsTokenService?: boolean | undefined;
}

/** A gateway that does not listen yet. */
export interface Composition {
  readonly edge: Edge;
  /** Decisions for other proxies. */
  readonly services: DecisionServices;
  /** What a control listener shows of it. */
  readonly control: Omit<ControlOptions, 'readiness' | 'reload' | 'isOperator'> & { readonly readiness: () => Readiness };
  /** What is in force. */
  readonly current: Generation;
  /** Everything under which requests may still run. */
  readonly live: ReadonlySet<Generation>;
  /** Things in use that successive configurations may share. */
  readonly shelved: number;
  /** Resolves when the revocations have been read, or after a while. */
  settled(): Promise<void>;
  /** To be called once the edge listens: fetches keys, counts. */
  start(): void;
  /** Builds all of what another configuration needs; nothing changes yet. @throws ConfigError (as a rejection) */
  prepare(config: GatewayConfig, given?: GivenParts): Promise<Candidate>;
  /** Says on `/readyz` that no more requests are wanted, and answers them for `limits.drainDelayMs`. */
  announceDrain(): Promise<void>;
  /** Lets running requests finish up to `limits.shutdownTimeoutMs`. */
  drain(): Promise<void>;
  /** Gives back everything. */
  close(): Promise<void>;
}

/** What a candidate is given instead of making it. */
export interface GivenParts {
  readonly sources?: readonly KeySource[] | undefined;
  readonly txnKey?: SigningKey | SigningKeys | undefined;
}

/** A configuration that could be put in force. Call one of both, once. */
export interface Candidate {
  readonly generation: Generation;
  /** Puts it in force for every request that begins from now on. Resolves when the old one has ended and been given back. */
  commit(): Promise<void>;
  abort(): Promise<void>;
}

/** How long a start waits for the revocations, and a reload for keys too. */
const SETTLE_MS = 2000;

/** Builds a composition. @throws ConfigError */
export function composeGateway(config: GatewayConfig, dependencies: CompositionDependencies): Composition {
  return new SwappingComposition(config, dependencies);
}

class SwappingComposition implements Composition {
  readonly edge: Edge;
  readonly services: DecisionServices;
  readonly control: Composition['control'];
  readonly #dependencies: CompositionDependencies;
  readonly #shelf = new Shelf();
  readonly #tally = new Tally();
  readonly #retiredKeys: RetiredKeys;
  readonly live = new Set<Generation>();
  #current: Generation;
  #isDraining = false;
  #stopAlarms: (() => void) | undefined;
  #clockWatch: ClockWatch | undefined;
  #worker: Worker | undefined;

  constructor(config: GatewayConfig, dependencies: CompositionDependencies) {
    this.#dependencies = dependencies;
    this.#retiredKeys = new RetiredKeys(dependencies.clock);
    this.#current = this.#compose(config, dependencies, undefined);
    this.live.add(this.#current);
    this.edge = createEdge({ ...this.#current.edge, current: () => this.#current.edge });
    this.edge.server.on('connection', (socket) => this.#tally.clients.watch(socket));
    this.services = createDecisionServices(config, {
      current: () => this.#current.edge,
      isReady: () => this.control.readiness() === 'ready',
      tally: this.#tally,
    });
    this.control = {
      readiness: () => (this.#isDraining ? 'draining' : this.#readiness()),
      metrics: {
        contentType: this.#current.metrics.contentType,
        metrics: () => this.#current.metrics.metrics(),
        getMetricsAsJSON: () => this.#current.metrics.getMetricsAsJSON(),
      },
      jwks: async () => {
        await this.#current.signingKeys?.freshen();
        return this.#retiredKeys.with(this.#current.minter?.jwks().keys ?? []);
      },
      revocation: () => this.#current.revocation,
    };
  }

  get shelved(): number {
    return this.#shelf.size;
  }

  get current(): Generation {
    return this.#current;
  }

  async settled(): Promise<void> {
    const { guard, signingKeys } = this.#current;
    await Promise.all([guard?.settled(SETTLE_MS), signingKeys && inTime(signingKeys.asked, SETTLE_MS)]);
  }

  start(): void {
    const { clock } = this.#dependencies;
    subscribe(SIGNATURE_CHECK_CHANNEL, this.#countSignature);
    this.#current.fetchKeys();
    this.#raiseAlarms();
    this.#clockWatch = watchClock(clock === undefined ? {} : { clock });
    const { deferred: section } = this.#current.config;
    // The thread that serves nobody works on nothing either.
    const works = section !== undefined && this.edge.server.listening;
    if (works) this.#worker = runJobs({ section, current: () => this.#current, logger: this.#dependencies.logger, clock });
  }

  async prepare(config: GatewayConfig, given: GivenParts = {}): Promise<Candidate> {
    const next = this.#compose(config, { ...this.#dependencies, ...given }, this.#current);
    next.fetchKeys();
    await next.settled(SETTLE_MS);
    return {
      generation: next,
      commit: () => this.#commit(next),
      abort: () => next.release(),
    };
  }

  async announceDrain(): Promise<void> {
    this.#isDraining = true;
    const { drainDelayMs } = this.#current.config.limits;
    if (drainDelayMs === 0) return;
    this.edge.announceDrain();
    await new Promise((resolve) => setTimeout(resolve, drainDelayMs));
  }

  async drain(): Promise<void> {
    this.#isDraining = true;
    const { shutdownTimeoutMs } = this.#current.config.limits;
    // Before the upstreams go.
    await this.#worker?.stop({ graceMs: shutdownTimeoutMs });
    await Promise.all([drain(this.edge, shutdownTimeoutMs), this.services.close(shutdownTimeoutMs)]);
    await Promise.all([...this.live].map(({ upstreams }) => upstreams.destroy()));
  }

  async close(): Promise<void> {
    this.#clockWatch?.close();
    this.#stopAlarms?.();
    await Promise.all([...this.live].map((generation) => generation.release()));
    unsubscribe(SIGNATURE_CHECK_CHANNEL, this.#countSignature);
  }

  #readiness(): Readiness {
    const { trust, guard, signingKeys } = this.#current;
    if (signingKeys !== undefined && !canSign(signingKeys, this.#dependencies.clock ?? systemClock)) {
      return 'signing_keys_unavailable';
    }
    return readinessOf(trust, guard);
  }

  #compose(config: GatewayConfig, given: CompositionDependencies, earlier: Generation | undefined): Generation {
    const published = (keys: readonly object[]) => this.#retiredKeys.with(keys);
    return composeGeneration(config, { ...given, tally: this.#tally, shelf: this.#shelf, earlier, published });
  }

  // Throws at once, while nothing has changed, or not at all.
  #commit(next: Generation): Promise<void> {
    const old = this.#current;
    if (next.edge.tls !== undefined) this.edge.setTls(next.edge.tls);
    this.live.add(next);
    tellEarlier(next, this.live);
    // One assignment: each request sees the old configuration or the new one, whole.
    this.#current = next;
    this.#retiredKeys.retire(old, next);
    if (this.#stopAlarms !== undefined) this.#raiseAlarms();
    return old.retire().then(() => void this.live.delete(old));
  }

  #raiseAlarms(): void {
    const { config, cache } = this.#current;
    this.#stopAlarms?.();
    const issuers = new Set(config.issuers.map(({ issuer }) => issuer));
    this.#stopAlarms = logAlarms({ issuers, policyId: cache?.policyId }, this.#dependencies.logger);
  }

  readonly #countSignature = (): void => {
    this.#tally.signatureChecks += 1;
  };
}

// What is revoked from now on counts for what still runs under the configurations before, and if a reload comes back to one of them.
function tellEarlier({ guard: newer }: Generation, live: ReadonlySet<Generation>): void {
  if (newer === undefined) return;
  for (const guard of new Set([...live].map((generation) => generation.guard))) if (guard !== newer) guard?.heed(newer);
}

function canSign({ keys }: WatchedSigningKeys, clock: Clock): boolean {
  try {
    keys.current(clock());
    return true;
  } catch {
    return false;
  }
}

function readinessOf(trust: Trust | undefined, guard: RevocationGuard | undefined): Readiness {
  const loaded = trust === undefined || trust.remoteKeys.every((keys) => Number.isFinite(keys.ageMs()));
  if (!loaded) return 'keys_unavailable';
  return guard?.isReady() === false ? 'revocations_unavailable' : 'ready';
}

async function drain(edge: Edge, timeoutMs: number): Promise<void> {
  edge.drain();
  const closed = new Promise<void>((resolve) => edge.server.close(() => resolve()));
  const timer = setTimeout(() => edge.closeAll(), timeoutMs);
  await closed;
  clearTimeout(timer);
}
