/** The identity stays with the request: through its body, its turns, its calls, and among 2,000 others (D5). */
import assert from 'node:assert/strict';
import type { Check } from '../contract.ts';
import { type ServerWorld, txnToken } from '../world.ts';

const USERS = 100;
const REQUESTS = 2000;

/** What handlers see of their caller, and what the services that they call see. */
export const CONTEXT_CHECKS: readonly Check<ServerWorld>[] = [
  {
    name: 'keeps the caller while a slow chunked body is read, and at every kind of turn after it',
    async run(world) {
      const chunks = ['{"a":1,', '"b":2,', '"c":3}'];
      const headers = txnToken(await world.trust.tokenFor('user-1'));
      const response = await world.send({ path: '/stages', headers, chunks, pauseMs: 20 });
      assert.equal(response.status, 200, response.body);
      const { seen, bytes } = JSON.parse(response.body);
      assert.equal(bytes, chunks.join('').length);
      assert.ok(Object.keys(seen).length >= 14);
      for (const [stage, subjects] of Object.entries(seen)) assert.deepEqual(subjects, ['user-1'], stage);
    },
  },
  {
    name: "keeps the caller through the host's own parser of a slow chunked body",
    async run(world) {
      const headers = txnToken(await world.trust.tokenFor('user-1'));
      const response = await world.send({ path: '/json', headers, chunks: ['{"a"', ':1', '}'], pauseMs: 20 });
      assert.deepEqual(JSON.parse(response.body), { subject: 'user-1', json: { a: 1 } });
    },
  },
  {
    name: 'carries the token to an allowed destination byte for byte, and to no other (TT-27, TT-31)',
    async run(world) {
      const token = await world.trust.tokenFor('user-1');
      for (const path of ['/call/allowed', '/call/denied', '/public/call']) {
        assert.equal((await world.send({ path, headers: txnToken(token) })).status, 200);
      }
      assert.deepEqual(world.allowed.take(), [
        { path: '/orders', tokens: [token] },
        { path: '/public', tokens: [] },
      ]);
      assert.deepEqual(world.denied.take(), [{ path: '/orders', tokens: [] }]);
    },
  },
  {
    name: `never shows another caller: ${REQUESTS} interleaved requests of ${USERS} users on shared connections`,
    async run(world) {
      const users = Array.from({ length: USERS }, (_, index) => `user-${index}`);
      const tokens = await Promise.all(users.map((user) => world.trust.tokenFor(user)));
      const request = async (index: number): Promise<void> => {
        const user = index % USERS;
        const body = JSON.stringify({ delays: randomDelays(), calls: index % 4 === 0 });
        const half = body.length >> 1;
        const chunks = [body.slice(0, half), body.slice(half)];
        const response = await world.send({ path: '/interleaved', headers: txnToken(tokens[user]!), chunks });
        assert.deepEqual(JSON.parse(response.body), { seen: [users[user]] });
      };
      await Promise.all(Array.from({ length: REQUESTS }, (_, index) => request(index)));
      const arrivals = world.allowed.take();
      assert.equal(arrivals.length, REQUESTS / 4);
      for (const { path, tokens: carried } of arrivals) {
        assert.deepEqual(carried, [tokens[users.indexOf(path.slice(1))]], 'a call carries the token of its caller');
      }
    },
  },
];

function randomDelays(): number[] {
  return Array.from({ length: 1 + Math.floor(Math.random() * 3) }, () => Math.floor(Math.random() * 8));
}
