/** One upstream: its targets, the choice among them, and the queue in front of them. */
import { type HopMeter, createHopMeter } from '@watchword/http2';
import type { UpstreamConfig } from '../config/config.ts';
import { targetsOf } from '../config/sections/upstreams.ts';
import { Balancer } from './balancer.ts';
import { HealthWatch } from './health-watch.ts';
import { createHttp1Target } from './http1-target.ts';
import { createHttp2Target } from './http2-target.ts';
import { Member, type MemberStats } from './member.ts';
import { RetryBudget } from './retry-budget.ts';
import type { Target } from './target.ts';
import type { UpstreamTls } from './tls.ts';
import { WaitingRoom } from './waiting-room.ts';

/** What an operator should know. Targets are told by their place in the configuration. */
export interface UpstreamObserver {
  ejected(upstream: string, target: number, forMs: number): void;
  healthChanged(upstream: string, target: number, isHealthy: boolean): void;
  /** Tokens of many callers will be sent in full again and again (HP-1). */
  tableTooSmall(upstream: string, target: number, allowedBytes: number, wantedBytes: number): void;
}

/** What upstreams are made with. */
export interface UpstreamDependencies {
  /** Milliseconds that never go back. */
  readonly now: () => number;
  /** From 0 to below 1. */
  readonly random: () => number;
  readonly observer: UpstreamObserver;
}

/** Everything that forwarding a request takes. */
export interface Upstream {
  readonly name: string;
  readonly room: WaitingRoom;
  readonly balancer: Balancer;
  readonly budget: RetryBudget;
  /** Octets on the connections of all targets; those of health checks are apart. */
  readonly hop: HopMeter;
  /** Most further attempts for one request. */
  readonly retries: number;
  /** Whether the beginning of every body is kept, because a target may say that it did nothing with it. */
  readonly keepsBodies: boolean;
  stats(): { readonly waiting: number; readonly members: readonly MemberStats[] };
  /** Lets running requests finish, then closes the connections. */
  close(): Promise<void>;
  /** Closes them now; running requests fail. */
  destroy(): Promise<void>;
}

/** Opens no connection yet, but for health checks. */
export function createUpstream(
  name: string,
  config: UpstreamConfig,
  tls: UpstreamTls,
  dependencies: UpstreamDependencies,
): Upstream {
  const { now, random, observer } = dependencies;
  const hop = createHopMeter(`upstream:${name}`);
  let tooSmall = false;
  const members = targetsOf(config).map((url, index): Member => {
    const target = createTarget(url, config, tls, {
      hop,
      capacityChanged: () => room.refresh(),
      tableTooSmall(allowedBytes, wantedBytes) {
        // Once is enough, whatever the number of targets and connections.
        if (!tooSmall) observer.tableTooSmall(name, index, allowedBytes, wantedBytes);
        tooSmall = true;
      },
    });
    return new Member(index, target, config.ejection, random);
  });
  const balancer = new Balancer(members, config.ejection, {
    now,
    random,
    onEjected: (member, forMs) => observer.ejected(name, member.index, forMs),
  });
  const room = new WaitingRoom({
    get places() {
      return balancer.capacity;
    },
    maxWaiting: config.maxWaiting,
    uploadsPerClient: config.uploadsPerClient,
    timeoutMs: config.connectTimeoutMs,
  });
  const watches = watchHealth(config, tls, members, random, (member) => {
    observer.healthChanged(name, member.index, member.healthy);
    room.refresh();
  });
  const stopWatches = (): Promise<void[]> => Promise.all(watches.map((watch) => watch.stop()));
  return {
    name,
    room,
    balancer,
    hop,
    budget: new RetryBudget(config.retryPercent),
    retries: config.retries,
    keepsBodies: config.protocol !== 'http1',
    stats: () => ({ waiting: room.waiting, members: members.map((member) => member.stats(now())) }),
    async close() {
      await stopWatches();
      await room.empty();
      await Promise.all(members.map(({ target }) => target.close()));
    },
    async destroy() {
      await Promise.all([stopWatches(), ...members.map(({ target }) => target.destroy())]);
    },
  };
}

const UNOBSERVED = { hop: createHopMeter('unobserved'), capacityChanged: (): void => {}, tableTooSmall: (): void => {} };

function createTarget(
  url: string,
  config: UpstreamConfig,
  tls: UpstreamTls,
  observer: Parameters<typeof createHttp2Target>[3],
): Target {
  return config.protocol === 'http1'
    ? createHttp1Target(url, config, tls, observer.hop)
    : createHttp2Target(url, config, tls, observer);
}

function watchHealth(
  config: UpstreamConfig,
  tls: UpstreamTls,
  members: readonly Member[],
  random: () => number,
  onChange: (member: Member) => void,
): HealthWatch[] {
  const { health } = config;
  if (health === undefined) return [];
  const urls = targetsOf(config);
  return members.map((member) => {
    const target = createTarget(urls[member.index]!, { ...config, connections: 1, sessions: 1 }, tls, UNOBSERVED);
    return new HealthWatch(target, {
      config: health,
      random,
      onChange(isHealthy) {
        member.healthy = isHealthy;
        onChange(member);
      },
    });
  });
}
