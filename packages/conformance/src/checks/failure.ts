/** Whatever goes wrong, the handler is not reached, and the answer says no more than it may (E13). */
import assert from 'node:assert/strict';
import { type Pipeline, WatchwordError, createPipeline, createRemoteKeys, createTxnPipeline } from '@watchword/core';
import type { Check } from '../contract.ts';
import { TRUST_DOMAIN } from '../trust-domain.ts';
import { type ServerWorld, txnToken } from '../world.ts';
import { assertProblem } from './admission.ts';

/** What failures look like from outside. */
export const FAILURE_CHECKS: readonly Check<ServerWorld>[] = [
  {
    name: 'answers 503, not 401, when the keys cannot be had (ER-4)',
    async run(world) {
      // Port 1 of loopback: nobody listens there.
      const keys = createRemoteKeys({
        issuer: TRUST_DOMAIN,
        url: 'http://127.0.0.1:1/jwks',
        algorithms: ['ES256'],
        allowInsecure: true,
      });
      await refusedBy(world, createTxnPipeline({ trustDomain: TRUST_DOMAIN, keys }), 503);
    },
  },
  {
    name: 'answers 500 when a verifier fails in a way nobody foresaw: rejecting, throwing, and with a status of its own',
    async run(world) {
      const failures = [
        async (token: string) => Promise.reject(new TypeError(`cannot read ${token}`)),
        (token: string) => {
          throw Object.assign(new Error(token), { status: 200, statusCode: 200 });
        },
        async (token: string) => Promise.reject(token),
        async () => Promise.reject(undefined),
      ];
      for (const verify of failures) {
        await refusedBy(
          world,
          createPipeline({ source: 'txn-token', verifier: { policyId: 'failing', verify, holds: () => false } }),
          500,
        );
      }
    },
  },
  {
    name: 'answers 500 when the pipeline itself throws',
    async run(world) {
      const fail = (): never => {
        throw new RangeError('out of range');
      };
      await refusedBy(world, { source: 'txn-token', authenticate: fail, admit: fail }, 500);
    },
  },
  {
    name: 'answers a WatchwordError of a pipeline with its own status',
    async run(world) {
      const admit = async (): Promise<never> => {
        throw new WatchwordError('overloaded');
      };
      await refusedBy(world, { source: 'txn-token', authenticate: admit, admit }, 503);
    },
  },
  {
    name: 'turns a WatchwordError that a handler throws or rejects with into its problem',
    async run(world) {
      const headers = txnToken(await world.trust.tokenFor('user-1'));
      assertProblem(await world.send({ path: '/fail/throw', headers }), 502);
      assertProblem(await world.send({ path: '/fail/reject', headers }), 504);
    },
  },
];

async function refusedBy(world: ServerWorld, pipeline: Pipeline, status: number): Promise<void> {
  const token = await world.trust.tokenFor('user-1');
  const before = world.application.entered();
  await world.withPipeline(pipeline, async (send) => {
    assertProblem(await send({ path: '/whoami', headers: txnToken(token) }), status);
    assert.equal((await send({ path: '/public' })).status, 200);
  });
  assert.equal(world.application.entered(), before + 1, 'only the public handler is entered');
}
