/** Everything that the checks of one carrier share: a consumer at work, its trust domain, and what its handlers saw. */
import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { setTimeout as pause } from 'node:timers/promises';
import {
  Identity,
  type MessageReport,
  type Pipeline,
  WatchwordError,
  createMessageGuard,
  createMessagePropagator,
  currentIdentityOrNobody,
} from '@watchword/core';
import { type Sightings, observeStages, whoIsHere } from '../stages.ts';
import { type TrustDomain, createTrustDomain } from '../trust-domain.ts';
import type { RunningMessaging, StartMessaging, SuiteMessage } from './contract.ts';

/** The topics of the suite. `foreign` is consumed, and unknown to the guard. */
export const TOPICS = {
  orders: 'suite-orders',
  scoped: 'suite-scoped',
  news: 'suite-news',
  closed: 'suite-closed',
  queued: 'suite-queued',
  next: 'suite-next',
  foreign: 'suite-foreign',
} as const;

/** What a handler saw. */
export interface Handled extends SuiteMessage {
  readonly seen: Sightings;
  /** The compact Txn-Token of its caller. */
  readonly token: string | undefined;
  /** 1 for the first time that it saw this message. */
  readonly time: number;
}

/** What a check works with. */
export interface MessagingWorld {
  readonly trust: TrustDomain;
  readonly carrier: RunningMessaging;
  readonly maxDeliveries: number;
  /** Verification keys are out of reach while it is true. */
  outage: boolean;
  /** A body of its own, which the handler fails this often. */
  body(failures?: number): string;
  /** What handlers saw since the last call. */
  takeHandled(): Handled[];
  /** What the guard reported since the last call. */
  takeReports(): MessageReport[];
  /** Waits until something holds. */
  until(holds: () => boolean, what: string): Promise<void>;
  close(): Promise<void>;
}

/** Starts all of it. @param patienceMs how long a check waits for something to happen */
export async function createMessagingWorld(start: StartMessaging, patienceMs = 15_000): Promise<MessagingWorld> {
  const trust = createTrustDomain();
  const handled: Handled[] = [];
  const reports: MessageReport[] = [];
  const times = new Map<string, number>();
  const vouchers = trust.createVouchers();
  const state = { outage: false };
  const propagator = createMessagePropagator({
    topics: [TOPICS.orders, TOPICS.scoped, TOPICS.news, TOPICS.next, TOPICS.foreign],
    vouchers: { topics: [TOPICS.queued], issuer: vouchers },
  });
  const guard = createMessageGuard({
    pipeline: unreliable(trust.createPipeline(), state),
    topics: {
      [TOPICS.orders]: {},
      [TOPICS.scoped]: { scopes: ['orders:read'] },
      [TOPICS.news]: 'public',
      [TOPICS.closed]: {},
      [TOPICS.queued]: {},
      [TOPICS.next]: {},
    },
    vouchers,
    maxDeliveries: 3,
    retryAfterMs: 20,
    onSettled: (report) => void reports.push(report),
  });
  let carrier: RunningMessaging | undefined;
  const handler = async (message: SuiteMessage): Promise<void> => {
    const { id, failures, next } = JSON.parse(message.body) as { id: string; failures: number; next?: boolean };
    const time = (times.get(id) ?? 0) + 1;
    times.set(id, time);
    const { seen } = await observeStages(Readable.from([Buffer.from(message.body)]));
    const identity = currentIdentityOrNobody();
    if (next === true) await carrier!.send(TOPICS.next, JSON.stringify({ id: whoIsHere(), failures: 0 }));
    seen['at the end'] = [whoIsHere()];
    handled.push({ ...message, seen, token: identity && Identity.txnTokenOf(identity), time });
    if (time <= failures) throw new Error('the handler fails, as it was told');
  };
  carrier = await start({ guard, propagator, topics: Object.values(TOPICS), handler });
  let bodies = 0;
  const prefix = Math.random().toString(36).slice(2);
  return {
    trust,
    carrier,
    maxDeliveries: guard.maxDeliveries,
    get outage() {
      return state.outage;
    },
    set outage(value) {
      state.outage = value;
    },
    body: (failures = 0) => JSON.stringify({ id: `${prefix}-${(bodies += 1)}`, failures }),
    takeHandled: () => handled.splice(0),
    takeReports: () => reports.splice(0),
    async until(holds, what) {
      for (const end = Date.now() + patienceMs; !holds(); await pause(10)) assert.ok(Date.now() < end, `waited in vain: ${what}`);
    },
    close: () => carrier.close(),
  };
}

function unreliable(pipeline: Pipeline, state: { readonly outage: boolean }): Pipeline {
  return {
    ...pipeline,
    admit(headers, requirement) {
      if (state.outage) throw new WatchwordError('keys_unavailable');
      return pipeline.admit(headers, requirement);
    },
  };
}
