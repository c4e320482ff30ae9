/** As whom a handler runs: the first time, again after a failure, after an outage, and among many others. */
import assert from 'node:assert/strict';
import { runWithIdentity } from '@watchword/core';
import { callerOf } from '../checks/outgoing.ts';
import type { Check } from '../contract.ts';
import { assertSeen, buried, handledOf, sendAs } from './outcome.ts';
import { type MessagingWorld, TOPICS } from './world.ts';

const USERS = 50;
const MESSAGES = 1000;

/** How messages reach their handlers. */
export const DELIVERY: readonly Check<MessagingWorld>[] = [
  {
    name: "hands messages of public topics to their handler on nobody's behalf, whatever they carry",
    async run(world) {
      const values = [await world.trust.tokenFor('user-1'), await world.trust.badToken('forged'), undefined];
      for (const value of values) {
        await world.carrier.sendRaw(TOPICS.news, world.body(), value === undefined ? [] : [['txn-token', value]]);
        assertSeen((await handledOf(world, 1))[0]!, 'nobody');
      }
    },
  },
  {
    name: 'runs the handler as the caller, at every kind of turn that it takes',
    async run(world) {
      await sendAs(world, (await callerOf(world.trust, 'user-1')).identity, TOPICS.orders);
      const [message] = await handledOf(world, 1);
      assert.ok(Object.keys(message!.seen).length >= 14);
      assertSeen(message!, 'user-1');
    },
  },
  {
    name: 'delivers a message whose handler fails again, as the same caller (MQ-5)',
    async run(world) {
      await sendAs(world, (await callerOf(world.trust, 'user-1')).identity, TOPICS.orders, world.body(1));
      const messages = await handledOf(world, 2);
      assert.deepEqual(
        messages.map(({ time }) => time),
        [1, 2],
      );
      for (const message of messages) assertSeen(message, 'user-1');
      assert.equal(messages[0]!.token, messages[1]!.token);
      await world.until(() => world.takeReports().some(({ action }) => action === 'done'), 'the second one to be done');
    },
  },
  {
    name: 'delivers a poison message a few times, and no more: a dead letter without its token (MQ-5)',
    async run(world) {
      const { identity, token } = await callerOf(world.trust, 'user-1');
      const body = world.body(1_000_000);
      await sendAs(world, identity, TOPICS.orders, body);
      const [letter] = await buried(world, 1);
      assert.equal(letter!.body, body);
      assert.ok(!letter!.kept.includes(token.split('.')[2]!), 'a dead letter keeps the token');
      const times = world.takeHandled().length;
      assert.ok(times >= 2 && times <= world.maxDeliveries, `${times} deliveries`);
      world.takeReports();
      // Others come through, and it does not come back.
      await sendAs(world, identity, TOPICS.orders);
      assertSeen((await handledOf(world, 1))[0]!, 'user-1');
    },
  },
  {
    name: 'keeps a good message through an outage of verification keys (ER-4)',
    async run(world) {
      const { identity } = await callerOf(world.trust, 'user-1');
      world.outage = true;
      await sendAs(world, identity, TOPICS.orders);
      const reports: string[] = [];
      const look = (): boolean => reports.push(...world.takeReports().map(({ action, reason }) => `${action} ${reason}`)) > 0;
      await world.until(look, 'a first delivery');
      world.outage = false;
      assertSeen((await handledOf(world, 1))[0]!, 'user-1');
      assert.deepEqual([...new Set(reports)], ['retry keys_unavailable']);
    },
  },
  {
    name: 'TT-34: carries a voucher where messages wait, and runs the handler as who sent it',
    async run(world) {
      const { identity, token } = await callerOf(world.trust, 'user-1');
      for (const failures of [0, 1]) {
        await sendAs(world, identity, TOPICS.queued, world.body(failures));
        for (const message of await handledOf(world, failures + 1)) {
          assertSeen(message, 'user-1');
          // A fresh one, of the same transaction.
          assert.notEqual(message.token, token);
        }
      }
    },
  },
  {
    name: `never shows another caller: ${MESSAGES} interleaved messages of ${USERS} users, a quarter sent on`,
    async run(world) {
      world.takeHandled();
      const callers = await Promise.all(Array.from({ length: USERS }, (_, index) => callerOf(world.trust, `user-${index}`)));
      const send = (index: number): Promise<void> => {
        const { identity } = callers[index % USERS]!;
        const body = JSON.stringify({ id: `${identity.subject}/${index}`, failures: 0, next: index % 4 === 0 });
        return runWithIdentity(identity, () => world.carrier.send(TOPICS.orders, body));
      };
      for (let start = 0; start < MESSAGES; start += 100) {
        await Promise.all(Array.from({ length: 100 }, (_, index) => send(start + index)));
      }
      const messages = await handledOf(world, MESSAGES * 1.25);
      for (const message of messages) {
        const user = (JSON.parse(message.body) as { id: string }).id.split('/')[0]!;
        assertSeen(message, user);
        assert.equal(message.token, callers[Number(user.slice('user-'.length))]!.token);
      }
      assert.equal(messages.filter(({ topic }) => topic === TOPICS.next).length, MESSAGES / 4);
    },
  },
];
