/** What every carrier of messages must do. Refusals first. */
import assert from 'node:assert/strict';
import { type Identity, runAnonymous, runWithIdentity } from '@watchword/core';
import { callerOf } from '../checks/outgoing.ts';
import type { Check } from '../contract.ts';
import type { BadToken } from '../trust-domain.ts';
import type { RawHeader, SuiteDeadLetter } from './contract.ts';
import { type Handled, type MessagingWorld, TOPICS } from './world.ts';

const BAD_TOKENS: Readonly<Record<BadToken, string>> = {
  forged: 'signature_invalid',
  tampered: 'signature_invalid',
  // TT-33, MQ-5: a token that expired while its message was queued is such a one.
  expired: 'txn_expired',
  'other trust domain': 'audience_mismatch',
  'access token': 'type_not_allowed',
  'not a token': 'txn_malformed',
};

const USERS = 50;
const MESSAGES = 1000;

/** Everything, as data. */
export const MESSAGING_CHECKS: readonly Check<MessagingWorld>[] = [
  {
    name: 'refuses a message without a token, or with one where none is looked for (MQ-5)',
    async run(world) {
      const token = await world.trust.tokenFor('user-1');
      const hostile: RawHeader[][] = [
        [],
        [['authorization', `Bearer ${token}`]],
        [['x-txn-token', token]],
        [['ce_txntoken', token]],
      ];
      for (const headers of hostile) await refused(world, headers, 'txn_missing');
    },
  },
  {
    name: 'F11: reads the caller from the verified token alone, whatever else the sender writes',
    async run(world) {
      const names = ['sub', 'user', 'x-user', 'x-identity', 'Nats-User', 'ce_subject', 'user-id'];
      await refused(
        world,
        names.map((name) => [name, 'user-1'] as const),
        'txn_missing',
      );
      const token = await world.trust.tokenFor('user-1');
      const body = world.body();
      const headers = [...names.map((name) => [name, 'intruder'] as const), ['txn-token', token] as const];
      await world.carrier.sendRaw(TOPICS.orders, body, headers);
      const [message] = await handledOf(world, 1);
      assertSeen(message!, 'user-1');
    },
  },
  {
    name: 'refuses two tokens in one message, equal or not, in one spelling or several (MQ-1, E3)',
    async run(world) {
      const [token, other] = [await world.trust.tokenFor('user-1'), await world.trust.tokenFor('user-2')];
      for (const [first, second] of [
        ['txn-token', 'txn-token'],
        ['txn-token', 'Txn-Token'],
        ['TXN-TOKEN', 'txn_token'],
      ] as const) {
        for (const value of [token, other])
          await refused(
            world,
            [
              [first, token],
              [second, value],
            ],
            'txn_ambiguous',
          );
      }
    },
  },
  {
    name: 'refuses tokens joined in one header (MQ-1)',
    async run(world) {
      const token = await world.trust.tokenFor('user-1');
      for (const joint of [', ', ',', ' ']) await refused(world, [['txn-token', token + joint + token]], 'txn_ambiguous');
    },
  },
  {
    name: 'refuses a token and a voucher in one message',
    async run(world) {
      const token = await world.trust.tokenFor('user-1');
      const voucher = await world.trust.createVouchers().issue({ txnToken: token, topic: TOPICS.orders });
      await refused(
        world,
        [
          ['txn-token', token],
          ['txn-voucher', voucher],
        ],
        'txn_ambiguous',
      );
    },
  },
  ...Object.entries(BAD_TOKENS).map(([kind, reason]) => ({
    name: `refuses a bad token: ${kind}`,
    async run(world: MessagingWorld): Promise<void> {
      await refused(world, [['txn-token', await world.trust.badToken(kind as BadToken)]], reason);
    },
  })),
  {
    name: 'refuses octets that are no text',
    run: (world) => refused(world, [['txn-token', Uint8Array.of(0xff, 0xfe, 0x41)]], 'txn_malformed'),
  },
  {
    name: 'refuses a voucher in the place of a token, of another topic, and one that is none (TT-34)',
    async run(world) {
      const txnToken = await world.trust.tokenFor('user-1');
      const voucher = await world.trust.createVouchers().issue({ txnToken, topic: TOPICS.queued });
      await refused(world, [['txn-token', voucher]], 'type_not_allowed');
      await refused(world, [['txn-voucher', voucher]], 'audience_mismatch');
      await refused(world, [['txn-voucher', txnToken]], 'type_not_allowed');
      await refused(world, [['txn-voucher', 'x.y.z']], 'txn_malformed');
    },
  },
  {
    name: 'refuses a token without the scope of the topic, and takes one with it',
    async run(world) {
      for (const scope of ['', 'orders:write', 'orders:readx', 'ORDERS:READ']) {
        const token = await world.trust.tokenFor('user-1', scope);
        await refused(world, [['txn-token', token]], 'scope_insufficient', TOPICS.scoped);
      }
      await sendAs(world, (await callerOf(world.trust, 'user-1', 'orders:read b')).identity, TOPICS.scoped);
      assertSeen((await handledOf(world, 1))[0]!, 'user-1');
    },
  },
  {
    name: 'refuses messages of a topic for which there is no rule',
    async run(world) {
      await refused(world, [['txn-token', await world.trust.tokenFor('user-1')]], 'topic_unknown', TOPICS.foreign);
    },
  },
  {
    name: 'sends no token to a topic that is not listed',
    async run(world) {
      const { identity } = await callerOf(world.trust, 'user-1');
      await sendAs(world, identity, TOPICS.closed);
      await refusal(world, 'txn_missing');
    },
  },
  {
    name: 'rejects where nobody said on whose behalf a message is sent, and sends nothing (D5)',
    async run(world) {
      await assert.rejects(world.carrier.send(TOPICS.orders, world.body()), { code: 'context_lost' });
      await assert.rejects(world.carrier.send(TOPICS.queued, world.body()), { code: 'context_lost' });
      assert.deepEqual(world.takeReports(), []);
    },
  },
  {
    name: 'removes a token that the application set, under every spelling (TT-31, E3)',
    async run(world) {
      const foreign = await world.trust.tokenFor('intruder');
      const { identity } = await callerOf(world.trust, 'user-1');
      for (const name of ['txn-token', 'Txn-Token', 'TXN_TOKEN', 'txn-voucher', 'Txn_Voucher']) {
        await runAnonymous(() => world.carrier.send(TOPICS.orders, world.body(), { [name]: foreign }));
        await refusal(world, 'txn_missing');
        await runWithIdentity(identity, () => world.carrier.send(TOPICS.orders, world.body(), { [name]: foreign }));
        assertSeen((await handledOf(world, 1))[0]!, 'user-1');
      }
    },
  },
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
    name: 'carries the token byte for byte, in a header alone: body, other headers and CloudEvents attributes stay (TT-27)',
    async run(world) {
      const { identity, token } = await callerOf(world.trust, 'user-1');
      const body = world.body();
      const headers = { ce_type: 'order.placed', ce_subject: 'order-7', 'x-trace': '1' };
      await runWithIdentity(identity, () => world.carrier.send(TOPICS.orders, body, headers));
      const [message] = await handledOf(world, 1);
      assert.equal(message!.token, token);
      assert.equal(message!.body, body);
      const known = new Set(message!.headers);
      for (const name of Object.keys(headers)) assert.ok(known.has(name), `header ${name} is gone`);
      // A handler that copies what it was given must not copy the token.
      for (const name of known) assert.doesNotMatch(name, /^txn[-_]/i);
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

async function sendAs(world: MessagingWorld, identity: Identity, topic: string, body = world.body()): Promise<void> {
  await runWithIdentity(identity, () => world.carrier.send(topic, body));
}

/** Waits for so many, and clears what was reported. */
async function handledOf(world: MessagingWorld, count: number): Promise<Handled[]> {
  const messages: Handled[] = [];
  await world.until(() => messages.push(...world.takeHandled()) >= count, `${count} messages, ${messages.length} came`);
  assert.equal(messages.length, count);
  if (messages.every(({ body }) => (JSON.parse(body) as { failures: number }).failures === 0)) {
    let done = 0;
    const settled = (): boolean => (done += world.takeReports().filter(({ action }) => action === 'done').length) >= count;
    await world.until(settled, `${count} messages to be done`);
  }
  return messages;
}

function assertSeen({ seen }: Handled, subject: string): void {
  for (const [stage, subjects] of Object.entries(seen)) assert.deepEqual(subjects, [subject], stage);
}

async function refused(
  world: MessagingWorld,
  headers: readonly RawHeader[],
  reason: string,
  topic: string = TOPICS.orders,
): Promise<void> {
  await world.carrier.sendRaw(topic, world.body(), headers);
  const letter = await refusal(world, reason);
  for (const [name, value] of headers) {
    // Neither whole nor in part; a voucher may stay.
    const parts = name.toLowerCase().startsWith('txn') && !/voucher/i.test(name) ? String(value).split(/[ ,.]+/) : [];
    for (const part of parts.filter((text) => text.length > 16))
      assert.ok(!letter.kept.includes(part), 'a dead letter keeps the token');
  }
}

// Not a handler was entered, and it is where somebody can look at it.
async function refusal(world: MessagingWorld, reason: string): Promise<SuiteDeadLetter> {
  const [letter, ...more] = await buried(world, 1);
  assert.deepEqual([letter!.reason, more.length], [reason, 0]);
  assert.deepEqual(world.takeHandled(), []);
  const reports = world.takeReports();
  assert.deepEqual(
    reports.map((report) => [report.action, report.reason]),
    [['dead-letter', reason]],
  );
  return letter!;
}

async function buried(world: MessagingWorld, count: number): Promise<readonly SuiteDeadLetter[]> {
  const letters = await world.carrier.deadLetters(count);
  assert.ok(letters.length >= count, `${letters.length} dead letters`);
  return letters;
}
