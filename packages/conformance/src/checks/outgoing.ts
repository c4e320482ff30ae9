/** Where an outgoing client takes the Txn-Token, and where not. */
import assert from 'node:assert/strict';
import { Identity, createPropagator, runAnonymous, runWithIdentity } from '@watchword/core';
import type { Check, CreateClient, DownstreamProtocol, OutgoingClient } from '../contract.ts';
import { type Arrival, type Downstream, startDownstream } from '../downstream.ts';
import { type TrustDomain, createTrustDomain } from '../trust-domain.ts';

/** What a check works with. */
export interface OutgoingWorld {
  readonly trust: TrustDomain;
  readonly client: OutgoingClient;
  /** The same client without any allowed destination, which is the default. */
  readonly closed: OutgoingClient;
  readonly allowed: Downstream;
  readonly denied: Downstream;
  close(): Promise<void>;
}

/** Starts the services and makes the clients. */
export async function createOutgoingWorld(createClient: CreateClient, protocol?: DownstreamProtocol): Promise<OutgoingWorld> {
  const [allowed, denied] = await Promise.all([startDownstream(protocol), startDownstream(protocol)]);
  const client = createClient(createPropagator({ destinations: [allowed.origin] }));
  const closed = createClient(createPropagator({}));
  return {
    trust: createTrustDomain(),
    client,
    closed,
    allowed,
    denied,
    async close() {
      await Promise.all([client.close?.(), closed.close?.()]);
      await Promise.all([allowed.close(), denied.close()]);
    },
  };
}

const SPELLINGS = ['txn-token', 'Txn-Token', 'TXN-TOKEN'];

/** Refusals first. */
export const OUTGOING_CHECKS: readonly Check<OutgoingWorld>[] = [
  {
    name: 'sends no token to a destination that is not listed, nor anywhere by default',
    async run({ trust, client, closed, allowed, denied }) {
      const { identity } = await callerOf(trust, 'user-1');
      await runWithIdentity(identity, () => client.get(`${denied.origin}/a`));
      await runWithIdentity(identity, () => closed.get(`${allowed.origin}/a`));
      assert.deepEqual([...denied.take(), ...allowed.take()], [bare('/a'), bare('/a')]);
    },
  },
  {
    name: 'looks at the address alone: not at user names, paths and queries that quote an allowed one',
    async run({ trust, client, allowed, denied }) {
      const { identity } = await callerOf(trust, 'user-1');
      const host = new URL(allowed.origin).host;
      const paths = [`/${allowed.origin}`, `//${host}/x`, `/?url=${allowed.origin}`, `/@${host}/x`];
      for (const path of paths) await runWithIdentity(identity, () => client.get(denied.origin + path));
      assert.deepEqual(
        denied.take().map(({ tokens }) => tokens),
        paths.map(() => []),
      );
      assert.deepEqual(allowed.take(), []);
    },
  },
  {
    name: 'takes off a token that the call brings along, under every spelling (TT-31)',
    async run({ trust, client, allowed, denied }) {
      const { identity, token } = await callerOf(trust, 'user-1');
      for (const name of SPELLINGS) {
        await runWithIdentity(identity, () => client.get(`${denied.origin}/b`, { [name]: 'smuggled' }));
        await runWithIdentity(identity, () => client.get(`${allowed.origin}/b`, { [name]: 'smuggled' }));
        await runAnonymous(() => client.get(`${allowed.origin}/b`, { [name]: 'smuggled' }));
      }
      assert.deepEqual(
        denied.take(),
        SPELLINGS.map(() => bare('/b')),
      );
      assert.deepEqual(
        allowed.take(),
        SPELLINGS.flatMap(() => [{ path: '/b', tokens: [token] }, bare('/b')]),
      );
    },
  },
  {
    name: 'refuses to call an allowed destination when the context is lost (D5)',
    async run({ client, allowed }) {
      await assert.rejects(async () => client.get(`${allowed.origin}/c`), { code: 'context_lost' });
      assert.deepEqual(allowed.take(), []);
    },
  },
  {
    name: "sends no token on nobody's behalf, nor for an identity that has none",
    async run({ trust, client, allowed }) {
      const { identity } = await callerOf(trust, 'user-1');
      await runAnonymous(() => client.get(`${allowed.origin}/d`));
      await runWithIdentity(new Identity(identity.token), () => client.get(`${allowed.origin}/d`));
      assert.deepEqual(allowed.take(), [bare('/d'), bare('/d')]);
    },
  },
  {
    name: 'never takes the token along when an allowed destination redirects to another one',
    async run({ trust, client, allowed, denied }) {
      const { identity, token } = await callerOf(trust, 'user-1');
      const path = `/redirect?to=${encodeURIComponent(`${denied.origin}/e`)}`;
      await runWithIdentity(identity, () => client.get(allowed.origin + path));
      assert.deepEqual(allowed.take(), [{ path, tokens: [token] }]);
      assert.ok(denied.take().every(({ tokens }) => tokens.length === 0));
    },
  },
  {
    name: 'sends no token to a destination that redirects to an allowed one',
    async run({ trust, client, allowed, denied }) {
      const { identity, token } = await callerOf(trust, 'user-1');
      const path = `/redirect?to=${encodeURIComponent(`${allowed.origin}/f`)}`;
      await runWithIdentity(identity, () => client.get(denied.origin + path));
      assert.deepEqual(denied.take(), [bare(path)]);
      // Whether the hop that is allowed gets it is up to the client; nobody else's ever.
      assert.ok(
        allowed
          .take()
          .flatMap(({ tokens }) => tokens)
          .every((sent) => sent === token),
      );
    },
  },
  {
    name: 'carries the token to an allowed destination byte for byte (TT-27)',
    async run({ trust, client, allowed }) {
      const { identity, token } = await callerOf(trust, 'user-1');
      const { status } = await runWithIdentity(identity, () => client.get(`${allowed.origin}/g?q=1`));
      assert.equal(status, 200);
      assert.deepEqual(allowed.take(), [{ path: '/g?q=1', tokens: [token] }]);
    },
  },
  {
    name: "carries each caller's own token: 1,000 interleaved calls of 50 users",
    async run({ trust, client, allowed }) {
      const callers = await Promise.all(Array.from({ length: 50 }, (_, index) => callerOf(trust, `user-${index}`)));
      const call = (index: number): Promise<unknown> =>
        runWithIdentity(callers[index % 50]!.identity, async () => {
          // Half of the calls are made later, from among the events of others.
          if (index % 2 === 1) await new Promise((resolve) => setTimeout(resolve, index % 7));
          return client.get(`${allowed.origin}/${index % 50}`);
        });
      await Promise.all(Array.from({ length: 1000 }, (_, index) => call(index)));
      const arrivals = allowed.take();
      assert.equal(arrivals.length, 1000);
      for (const { path, tokens } of arrivals) assert.deepEqual(tokens, [callers[Number(path.slice(1))]!.token]);
    },
  },
];

/** An identity as a pipeline makes it, and the token that it carries. */
export async function callerOf(
  trust: TrustDomain,
  subject: string,
  scope?: string,
): Promise<{ identity: Identity; token: string }> {
  const token = await trust.tokenFor(subject, scope);
  const identity = await trust.createPipeline().admit({ values: (name) => (name === 'txn-token' ? [token] : []) });
  return { identity, token };
}

function bare(path: string): Arrival {
  return { path, tokens: [] };
}
