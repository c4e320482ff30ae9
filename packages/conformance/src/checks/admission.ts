/** Who is let in, and how the others are told. */
import assert from 'node:assert/strict';
import type { Check, SuiteRequest, SuiteResponse } from '../contract.ts';
import type { BadToken } from '../trust-domain.ts';
import { type ServerWorld, txnToken } from '../world.ts';

const BAD_TOKENS: readonly BadToken[] = ['forged', 'tampered', 'expired', 'other trust domain', 'access token', 'not a token'];

/** Refusals first. */
export const ADMISSION_CHECKS: readonly Check<ServerWorld>[] = [
  {
    name: 'refuses a missing token with a bare challenge (ER-1, ER-2)',
    async run(world) {
      const response = await refused(world, { headers: [] }, 401);
      assert.equal(response.headers['www-authenticate'], 'Bearer realm="watchword"');
    },
  },
  {
    name: 'refuses two Txn-Token fields, equal or not (TT-25)',
    async run(world) {
      const token = await world.trust.tokenFor('user-1');
      const other = await world.trust.tokenFor('user-2');
      for (const second of [token, other, '']) {
        const response = await refused(
          world,
          {
            headers: [
              ['Txn-Token', token],
              ['txn-token', second],
            ],
          },
          400,
        );
        assert.match(response.headers['www-authenticate'] ?? '', /error="invalid_request"/);
      }
    },
  },
  {
    name: 'refuses tokens joined in one field (TT-25)',
    async run(world) {
      const token = await world.trust.tokenFor('user-1');
      for (const joint of [', ', ',', ' ']) await refused(world, { headers: txnToken(token + joint + token) }, 400);
    },
  },
  ...BAD_TOKENS.map((kind) => ({
    name: `refuses a bad token: ${kind}`,
    async run(world: ServerWorld): Promise<void> {
      const response = await refused(world, { headers: txnToken(await world.trust.badToken(kind)) }, 401);
      assert.match(response.headers['www-authenticate'] ?? '', /error="invalid_token"/);
      // One text for all of them: which check failed is not told (ER-6).
      assert.equal(JSON.parse(response.body).title, 'The token was not accepted');
    },
  })),
  {
    name: 'refuses a Txn-Token in the Authorization field (TT-28)',
    async run(world) {
      const token = await world.trust.tokenFor('user-1');
      await refused(world, { headers: [['Authorization', `Bearer ${token}`]] }, 401);
    },
  },
  {
    name: 'refuses a token without the scope of the route, and names the scope',
    async run(world) {
      for (const scope of ['', 'orders:write', 'orders:readx', 'ORDERS:READ']) {
        const headers = txnToken(await world.trust.tokenFor('user-1', scope));
        const response = await refused(world, { path: '/orders', headers }, 403);
        assert.match(response.headers['www-authenticate'] ?? '', /error="insufficient_scope".*scope="orders:read"/);
      }
    },
  },
  {
    name: 'refuses before it looks for a route: an unknown path is 401 without a token, 404 with one',
    async run(world) {
      if (world.answersUnknownRoutes) assert.equal((await world.send({ path: '/no/such/route' })).status, 404);
      else await refused(world, { path: '/no/such/route', headers: [] }, 401);
      const known = await world.send({ path: '/no/such/route', headers: txnToken(await world.trust.tokenFor('user-1')) });
      assert.equal(known.status, 404);
    },
  },
  {
    name: 'refuses a body without waiting for its end',
    async run(world) {
      await refused(world, { path: '/json', headers: [], method: 'POST', chunks: ['{'] }, 401);
    },
  },
  {
    name: 'lets a good token in: the handler sees its subject, scopes and frozen claims',
    async run(world) {
      const response = await world.send({
        path: '/whoami',
        headers: txnToken(await world.trust.tokenFor('user-1', 'orders:read b')),
      });
      assert.equal(response.status, 200);
      const { handedOut, ...caller } = JSON.parse(response.body);
      assert.deepEqual(caller, { subject: 'user-1', scopes: ['orders:read', 'b'], frozen: true });
      assert.ok(handedOut === undefined || handedOut === 'user-1');
    },
  },
  {
    name: 'lets a token with the scope in, cached or not, and evaluates the scope after the cache',
    async run(world) {
      const headers = txnToken(await world.trust.tokenFor('user-1', 'orders:read'));
      for (const path of ['/orders', '/orders', '/whoami']) assert.equal((await world.send({ path, headers })).status, 200);
      const narrow = txnToken(await world.trust.tokenFor('user-1', 'none'));
      assert.equal((await world.send({ path: '/whoami', headers: narrow })).status, 200);
      await refused(world, { path: '/orders', headers: narrow }, 403);
    },
  },
  {
    name: "serves public routes to anybody, on nobody's behalf, whatever token is sent",
    async run(world) {
      const good = await world.trust.tokenFor('user-1');
      const headers = [[], txnToken(good), txnToken(await world.trust.badToken('forged'))];
      for (const sent of headers) {
        const response = await world.send({ path: '/public', headers: sent });
        assert.equal(response.status, 200);
        assert.deepEqual(JSON.parse(response.body), { subject: 'nobody' });
      }
    },
  },
];

/** Sends a request and checks that it is refused in the right form, and that no handler was entered. */
export async function refused(world: ServerWorld, call: Partial<SuiteRequest>, status: number): Promise<SuiteResponse> {
  const before = world.application.entered();
  const response = await world.send({ path: '/whoami', ...call });
  assert.equal(world.application.entered(), before, 'a handler was entered');
  assertProblem(response, status);
  return response;
}

/** Checks the form of a refusal (ER-5, D11). */
export function assertProblem(response: SuiteResponse, status: number): void {
  assert.equal(response.status, status);
  assert.match(response.headers['content-type'] ?? '', /^application\/problem\+json/);
  assert.equal(response.headers['cache-control'], 'no-store');
  assert.equal(JSON.parse(response.body).status, status);
  assert.equal(response.headers['www-authenticate'] !== undefined, status === 401 || status === 403 || status === 400);
}
