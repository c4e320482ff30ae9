/** What leaves a sender: the token of its caller, in the one header, to listed topics; or nothing. */
import assert from 'node:assert/strict';
import { runAnonymous, runWithIdentity } from '@watchword/core';
import { callerOf } from '../checks/outgoing.ts';
import type { Check } from '../contract.ts';
import { assertSeen, handledOf, refusal, sendAs } from './outcome.ts';
import { type MessagingWorld, TOPICS } from './world.ts';

/** What a carrier sends. */
export const SENDING: readonly Check<MessagingWorld>[] = [
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
];
