/** Each mistake that a carrier of messages can make must fail a check. */
import { AsyncLocalStorage } from 'node:async_hooks';
import { setImmediate } from 'node:timers/promises';
import { MESSAGING_CHECKS, createMessagingWorld, messagingConformance } from '@watchword/conformance';
import {
  Identity,
  TXN_TOKEN_HEADER,
  currentIdentityOrNobody,
  fromMessageHeaders,
  runAnonymous,
  runWithIdentity,
} from '@watchword/core';
import { describe, expect, it } from 'vitest';
import { DUTIES, type Duties, startWith } from './message-host.ts';

messagingConformance('a carrier without mistakes', startWith({}));

const outside = AsyncLocalStorage.snapshot();
let lastAdmitted: Identity | undefined;

const mistakes: { mistake: string; duties: Partial<Duties>; noticedBy: RegExp }[] = [
  {
    mistake: 'lets what the application set stand',
    noticedBy: /that the application set/,
    duties: { stamp: async (...sent) => ({ ...sent[2], ...(await DUTIES.stamp(...sent)) }) },
  },
  {
    mistake: 'removes one spelling of it only',
    noticedBy: /that the application set/,
    duties: {
      async stamp(propagator, topic, { 'txn-token': _removed, ...given }) {
        const stamped = await DUTIES.stamp(propagator, topic, {});
        return { ...given, ...stamped };
      },
    },
  },
  {
    mistake: 'sends the token to every topic',
    noticedBy: /to a topic that is not listed/,
    duties: {
      async stamp(...sent) {
        const stamped = await DUTIES.stamp(...sent);
        const identity = sent[0].allows(sent[1]) ? undefined : currentIdentityOrNobody();
        return identity === undefined ? stamped : { ...stamped, [TXN_TOKEN_HEADER]: Identity.txnTokenOf(identity) };
      },
    },
  },
  {
    mistake: 'sends messages without a context as if they were public',
    noticedBy: /nobody said on whose behalf/,
    duties: { stamp: (...sent) => DUTIES.stamp(...sent).catch(() => ({})) },
  },
  {
    mistake: 'changes the body',
    noticedBy: /byte for byte/,
    duties: { body: (text) => JSON.stringify({ ...(JSON.parse(text) as object), user: 'user-1' }) },
  },
  {
    mistake: 'drops headers of the application',
    noticedBy: /byte for byte/,
    duties: { stamp: (propagator, topic) => DUTIES.stamp(propagator, topic, {}) },
  },
  {
    mistake: 'takes the last of several tokens',
    noticedBy: /two tokens/,
    duties: {
      read(entries) {
        const { values } = fromMessageHeaders(entries);
        return { values: (name) => values(name).slice(-1) };
      },
    },
  },
  {
    mistake: 'knows one spelling only',
    noticedBy: /two tokens/,
    duties: {
      read: (entries) => fromMessageHeaders(entries.filter(([name]) => name === name.toLowerCase() && !name.includes('_'))),
    },
  },
  {
    mistake: 'reads the token from Authorization too',
    noticedBy: /where none is looked for/,
    duties: {
      read: (entries) =>
        fromMessageHeaders(
          entries.map(([name, value]) =>
            name === 'authorization' ? ['txn-token', String(value).replace('Bearer ', '')] : [name, value],
          ),
        ),
    },
  },
  {
    mistake: 'enters the handler before it verifies',
    noticedBy: /without a token/,
    duties: {
      handle: async (_message, handler) => {
        await runAnonymous(() => handler(undefined));
        return { action: 'dead-letter', stage: 'admission', reason: 'txn_missing', error: undefined };
      },
    },
  },
  {
    mistake: 'loses the context on the way to the handler',
    noticedBy: /F11/,
    duties: { enter: (_identity, run) => outside(run) },
  },
  {
    mistake: 'runs handlers as whoever was admitted last',
    noticedBy: /never shows another caller/,
    duties: {
      async enter(identity, run) {
        lastAdmitted = identity ?? lastAdmitted;
        await setImmediate();
        return identity === undefined ? run() : runWithIdentity(lastAdmitted!, run);
      },
    },
  },
  {
    mistake: 'shows the handler the token',
    noticedBy: /byte for byte/,
    duties: { shown: (headers) => headers },
  },
  {
    mistake: 'keeps the token in dead letters',
    noticedBy: /two tokens/,
    duties: { buried: (headers) => headers },
  },
  {
    mistake: 'delivers poison messages for ever',
    noticedBy: /poison/,
    duties: {
      settle: (settlement) =>
        settlement.action === 'dead-letter' && settlement.stage === 'handler'
          ? { ...settlement, action: 'retry', delayMs: 5 }
          : settlement,
    },
  },
  {
    mistake: 'gives up at once when a handler fails',
    noticedBy: /handler fails again/,
    duties: {
      settle: (settlement) =>
        settlement.action === 'retry' && settlement.stage === 'handler' ? { ...settlement, action: 'dead-letter' } : settlement,
    },
  },
  {
    mistake: 'loses the identity on the way back into the queue',
    noticedBy: /handler fails again/,
    duties: { redelivered: () => ({}) },
  },
  {
    mistake: 'throws good messages away during an outage',
    noticedBy: /outage/,
    duties: {
      settle: (settlement) =>
        settlement.action === 'retry' && settlement.stage === 'admission' ? { ...settlement, action: 'dead-letter' } : settlement,
    },
  },
];

describe('the suite notices a carrier that', () => {
  it.each(mistakes)(
    '$mistake',
    async ({ duties, noticedBy }) => {
      const world = await createMessagingWorld(startWith(duties, 300), 2000);
      const failed: string[] = [];
      try {
        for (const { name, run } of MESSAGING_CHECKS) {
          if (!noticedBy.test(name)) continue;
          await run(world).catch(() => failed.push(name));
        }
      } finally {
        await world.close();
      }
      expect(failed.filter((name) => noticedBy.test(name))).not.toEqual([]);
    },
    30_000,
  );
});
