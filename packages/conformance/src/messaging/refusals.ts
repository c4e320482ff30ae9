/** Messages that no handler gets to see: without a token, with several, with one that does not hold here. */
import { callerOf } from '../checks/outgoing.ts';
import type { Check } from '../contract.ts';
import type { BadToken } from '../trust-domain.ts';
import type { RawHeader } from './contract.ts';
import { assertSeen, handledOf, refused, sendAs } from './outcome.ts';
import { type MessagingWorld, TOPICS } from './world.ts';

const BAD_TOKENS: Readonly<Record<BadToken, string>> = {
  forged: 'signature_invalid',
  tampered: 'signature_invalid',
  // TT-33, MQ-5: a token that expired while its message was queued is such a one.
  expired: 'txn_expired',
  'other trust domain': 'audience_mismatch',
  'access token': 'type_not_allowed',
  'not a token': 'txn_malformed',
};

/** What is refused, and why. */
export const REFUSALS: readonly Check<MessagingWorld>[] = [
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
];
