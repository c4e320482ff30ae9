/** What can be set: each slider with its range, its unit, and its place in the scenario. */
import type { Scenario } from '@watchword/planner';
import { bytes, count, duration, large, number, text } from '../format.ts';

/** One slider. */
export interface Setting {
  readonly id: string;
  readonly label: string;
  readonly min: number;
  readonly max: number;
  /** Equal steps multiply rather than add. */
  readonly isLogarithmic: boolean;
  readonly show: (value: number) => string;
  readonly read: (scenario: Scenario) => number;
  readonly write: (scenario: Scenario, value: number) => Scenario;
}

/** Settings that belong together. */
export interface Group {
  readonly title: string;
  readonly settings: readonly Setting[];
}

/** All of them. */
export const GROUPS: readonly Group[] = [
  {
    title: 'Traffic',
    settings: [
      {
        ...logarithmic('users', 'Users', 100, 100_000_000, large),
        read: ({ users }) => users,
        write: (scenario, users) => ({ ...scenario, users }),
      },
      {
        ...logarithmic('rate', 'Requests per user', 0.01, 10, (value) => `${Number(value.toPrecision(2))}/s`),
        read: ({ requestsPerUserPerSecond }) => requestsPerUserPerSecond,
        write: (scenario, requestsPerUserPerSecond) => ({ ...scenario, requestsPerUserPerSecond }),
      },
      {
        ...linear('zipf', 'Skew of users (Zipf)', 0, 1.5, (value) => (value === 0 ? 'all alike' : value.toFixed(2))),
        read: ({ zipf }) => zipf,
        write: (scenario, zipf) => ({ ...scenario, zipf }),
      },
    ],
  },
  {
    title: 'Tokens',
    settings: [
      {
        ...linear('size', 'Size of a token', 300, 4_000, (value) => text(bytes(Math.round(value)))),
        read: ({ token }) => token.bytes,
        write: (scenario, value) => ({ ...scenario, token: { ...scenario.token, bytes: Math.round(value) } }),
      },
      {
        ...logarithmic('lifetime', 'Lifetime of a token', 60, 86_400, duration),
        read: ({ token }) => token.lifetimeSeconds,
        write: (scenario, lifetimeSeconds) => ({ ...scenario, token: { ...scenario.token, lifetimeSeconds } }),
      },
      {
        ...logarithmic('reuse', 'Txn-Token reused for', 1, 300, duration),
        read: ({ txnToken }) => txnToken.reuseSeconds,
        write: (scenario, reuseSeconds) => ({ ...scenario, txnToken: { ...scenario.txnToken, reuseSeconds } }),
      },
    ],
  },
  {
    title: 'Servers',
    settings: [
      {
        ...logarithmic('gateways', 'Gateway instances', 1, 1_000, count),
        read: ({ gateway }) => gateway.instances,
        write: (scenario, value) => ({ ...scenario, gateway: { ...scenario.gateway, instances: Math.round(value) } }),
      },
      {
        ...logarithmic('services', 'Instances of each service', 1, 1_000, count),
        read: ({ services }) => services[0]!.instances,
        write: (scenario, value) => ({
          ...scenario,
          services: scenario.services.map((service) => ({ ...service, instances: Math.round(value) })),
        }),
      },
      {
        ...logarithmic('work', 'Own work of a service', 1, 10_000, (value) => (value <= 1 ? 'none' : `${number(value)} µs`)),
        read: ({ services }) => Math.max(1, services[0]!.workMicros),
        write: (scenario, value) => ({
          ...scenario,
          services: scenario.services.map((service) => ({ ...service, workMicros: value <= 1 ? 0 : value })),
        }),
      },
      {
        ...logarithmic('entries', 'Cache entries of a thread', 100, 1_000_000, large),
        read: ({ cache }) => cache.entries,
        write: (scenario, value) => ({ ...scenario, cache: { ...scenario.cache, entries: Math.round(value) } }),
      },
    ],
  },
  {
    title: 'Prices',
    settings: [
      {
        ...logarithmic('hour', 'A core for an hour', 0.005, 1, (value) => `$${value.toFixed(3)}`),
        read: ({ prices }) => prices.cpuHour,
        write: (scenario, cpuHour) => ({ ...scenario, prices: { ...scenario.prices, cpuHour } }),
      },
      {
        ...logarithmic('gigabyte', 'A gigabyte of traffic', 0.001, 0.2, (value) => `$${value.toFixed(3)}`),
        read: ({ prices }) => prices.trafficGigabyte,
        write: (scenario, trafficGigabyte) => ({ ...scenario, prices: { ...scenario.prices, trafficGigabyte } }),
      },
    ],
  },
];

/** Positions of a slider. */
export const POSITIONS = 100;

/** Where the slider stands. */
export function positionOf({ min, max, isLogarithmic }: Setting, value: number): number {
  const share = isLogarithmic ? Math.log(value / min) / Math.log(max / min) : (value - min) / (max - min);
  return Math.round(Math.min(1, Math.max(0, share)) * POSITIONS);
}

/** What it stands for, in two significant digits: nobody plans with more. */
export function valueAt({ min, max, isLogarithmic }: Setting, position: number): number {
  if (position <= 0) return min;
  if (position >= POSITIONS) return max;
  const share = position / POSITIONS;
  const value = isLogarithmic ? min * (max / min) ** share : min + (max - min) * share;
  return Number(value.toPrecision(2));
}

type Shape = Pick<Setting, 'id' | 'label' | 'min' | 'max' | 'isLogarithmic' | 'show'>;

function logarithmic(id: string, label: string, min: number, max: number, show: Setting['show']): Shape {
  return { id, label, min, max, show, isLogarithmic: true };
}

function linear(id: string, label: string, min: number, max: number, show: Setting['show']): Shape {
  return { id, label, min, max, show, isLogarithmic: false };
}
