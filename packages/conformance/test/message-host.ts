/** A carrier over a broker in memory, whose duties can be neglected one by one. */
import { setTimeout as pause } from 'node:timers/promises';
import type { RunningMessaging, StartMessaging, SuiteDeadLetter } from '@watchword/conformance';
import {
  type HeaderSource,
  type Identity,
  type MessageGuard,
  type MessageHeaderEntry,
  type MessagePropagator,
  type Settlement,
  deadLetterHeaders,
  fromMessageHeaders,
  withoutIdentityHeaders,
} from '@watchword/core';

type Headers = Record<string, unknown>;

/** What an adapter has to do. */
export interface Duties {
  /** Headers of a message that is sent. */
  stamp(propagator: MessagePropagator, topic: string, given: Headers): Promise<Headers>;
  /** The body as it is sent. */
  body(text: string): string;
  read(entries: readonly MessageHeaderEntry[]): HeaderSource;
  enter(identity: Identity | undefined, run: () => Promise<void>): unknown;
  handle: MessageGuard['handle'] | undefined;
  shown(headers: Headers): Headers;
  settle(settlement: Settlement): Settlement;
  redelivered(headers: Headers): Headers;
  buried(headers: Headers, reason: string): Headers;
}

/** All of them done. */
export const DUTIES: Duties = {
  async stamp(propagator, topic, given) {
    const identity = await propagator.headerFor(topic);
    return { ...withoutIdentityHeaders(given), ...(identity && { [identity.name]: identity.value }) };
  },
  body: (text) => text,
  read: (entries) => fromMessageHeaders(entries),
  enter: (_identity, run) => run(),
  handle: undefined,
  shown: (headers) => withoutIdentityHeaders(headers),
  settle: (settlement) => settlement,
  redelivered: (headers) => headers,
  buried: (headers, reason) => deadLetterHeaders(headers, { reason: reason as 'internal' }),
};

/** Starts a carrier in which some duties are done otherwise. */
export function startWith(changes: Partial<Duties>, patienceMs = 10_000): StartMessaging {
  const duties: Duties = { ...DUTIES, ...changes };
  return async ({ guard, propagator, handler }): Promise<RunningMessaging> => {
    const letters: SuiteDeadLetter[] = [];
    let isOpen = true;
    const deliver = async (topic: string, body: string, headers: Headers, delivery = 1): Promise<void> => {
      if (!isOpen) return;
      const message = { topic, headers: duties.read(Object.entries(headers)), delivery };
      const run = (): Promise<void> => handler({ topic, body, headers: Object.keys(duties.shown(headers)) });
      const handle = duties.handle ?? guard.handle.bind(guard);
      const settlement = duties.settle(await handle(message, (identity) => duties.enter(identity, run)));
      if (settlement.action === 'retry') {
        await pause(settlement.delayMs);
        await deliver(topic, body, duties.redelivered(headers), delivery + 1);
      } else if (settlement.action === 'dead-letter') {
        const kept = JSON.stringify(duties.buried(headers, settlement.reason), (_name, value: unknown) => value);
        letters.push({ body, reason: settlement.reason, kept });
      }
    };
    // As if from a socket: in nobody's context.
    const inbox: [string, string, Headers][] = [];
    const pump = setInterval(() => {
      for (const message of inbox.splice(0)) void deliver(...message);
    }, 1);
    return {
      async send(topic, body, headers = {}) {
        inbox.push([topic, duties.body(body), await duties.stamp(propagator, topic, headers)]);
      },
      async sendRaw(topic, body, headers) {
        const record: Headers = {};
        for (const [name, value] of headers) record[name] = record[name] === undefined ? value : [record[name], value].flat();
        inbox.push([topic, body, record]);
      },
      async deadLetters(count) {
        for (const end = Date.now() + patienceMs; letters.length < count && Date.now() < end;) await pause(5);
        return letters.splice(0);
      },
      async close() {
        isOpen = false;
        clearInterval(pump);
      },
    };
  };
}
