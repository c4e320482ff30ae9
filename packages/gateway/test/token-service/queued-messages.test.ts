/** A message that waits for hours: through a real broker, with a real token service at both ends (TT-33, TT-34). */
import { join } from 'node:path';
import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import { canRun, freePort, startServerProcess } from '@watchword/conformance';
import {
  Identity,
  type MessageGuard,
  createLocalKeys,
  createMessageGuard,
  createMessagePropagator,
  createTxnPipeline,
  currentIdentity,
  fromRecord,
  runWithIdentity,
} from '@watchword/core';
import { type VoucherClient, createVoucherClient } from '@watchword/fetch';
import { guardMessages, propagate } from '@watchword/nats';
import { describe, expect, test } from 'vitest';
import { ISSUER, temporaryDirectory } from '../support/identity-provider.ts';
import { DOMAIN, ORDERS, SECRET, claimsOf, startTestTokenService } from '../support/token-service.ts';

const missing = canRun('nats-server', '--version') ? '' : ' (nats-server is missing: apt-get install nats-server)';
const HOUR_MS = 3_600_000;

describe.skipIf(missing !== '')(`with a server${missing}`, () => {
  test('after five hours the token is refused, the voucher is not; unless the person was taken back meanwhile', async () => {
    let nowMs = Date.now();
    const clock = (): number => nowMs;
    const service = await startTestTokenService(
      { revocation: { log: { memory: true } } },
      { clock },
      {
        clients: [ORDERS, { ...ORDERS, id: 'worker' }],
        replay: { sqlite: join(temporaryDirectory(), 'replay.db') },
        vouchers: { topics: { 'work.later': { producers: ['orders'], consumers: ['worker'], scopes: ['read'] } } },
      },
    );
    const clientOf = (clientId: string): VoucherClient =>
      createVoucherClient({
        endpoint: `${service.origin}/batch/exchange`,
        audience: DOMAIN,
        credentials: { clientId, secret: SECRET },
      });
    const jwks = await (await fetch(`${service.origin}/jwks`)).json();
    const keys = createLocalKeys({ issuer: DOMAIN, algorithms: ['ES256'], jwks });
    const pipeline = createTxnPipeline({ trustDomain: DOMAIN, keys, clock });
    const identityOf = async (sub: string): Promise<Identity> => {
      const { body } = await service.exchange({
        subject_token: service.issuer.token({ sub, jti: sub, scope: 'read write' }),
        scope: 'read write',
      });
      return pipeline.admit(fromRecord({ 'txn-token': body.access_token as string }));
    };

    const port = await freePort();
    const broker = await startServerProcess({
      command: 'nats-server',
      args: (folder) => ['-js', '-a', '127.0.0.1', '-p', `${port}`, '-sd', folder],
      ready: /Server is ready/,
    });
    const connection = await connect({ servers: `nats://127.0.0.1:${port}` });
    try {
      const manager = await jetstreamManager(connection);
      await manager.streams.add({ name: 'WORK', subjects: ['work.*'] });
      await manager.consumers.add('WORK', { durable_name: 'worker', ack_policy: 'explicit' });
      const stream = jetstream(connection);
      const vouchers = { topics: ['work.later'], issuer: clientOf('orders') };
      const publisher = propagate(stream, createMessagePropagator({ topics: ['work.soon'], vouchers }));
      for (const sub of ['user-1', 'user-2']) {
        await runWithIdentity(await identityOf(sub), async () => {
          await publisher.publish('work.soon', sub);
          await publisher.publish('work.later', sub);
        });
      }

      nowMs += 5 * HOUR_MS;
      const revocation = { issuer: ISSUER, sub: 'user-2', issuedBefore: nowMs / 1000, expiresInSeconds: 86_400 };
      const revoked = await fetch(`http://127.0.0.1:${service.controlPort}/revocations`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(revocation),
      });
      expect(revoked.ok).toBe(true);

      const outcomes: string[] = [];
      const guard: MessageGuard = createMessageGuard({
        pipeline,
        topics: { 'work.*': { scopes: ['read'] } },
        vouchers: clientOf('worker'),
        onSettled: ({ action, reason }) => void outcomes.push(`${action} ${reason ?? ''}`.trim()),
      });
      const seen: object[] = [];
      const receive = guardMessages(guard, { deadLetter: 'terminate' }, () => {
        const identity = currentIdentity();
        const { req_wl, req_wl_chain, scope } = claimsOf(Identity.txnTokenOf(identity)!);
        seen.push({ subject: identity.subject, req_wl, req_wl_chain, scope });
      });
      const consumer = await stream.consumers.get('WORK', 'worker');
      const messages = await consumer.consume({ callback: (message) => void receive(message) });
      await expect
        .poll(() => outcomes.toSorted(), { timeout: 10_000 })
        .toEqual(['dead-letter txn_expired', 'dead-letter txn_expired', 'dead-letter voucher_refused', 'done']);
      expect(seen).toEqual([{ subject: 'user-1', req_wl: 'worker', req_wl_chain: ['orders', 'orders'], scope: 'read' }]);
      await messages.close();
    } finally {
      await connection.close();
      await broker.stop();
    }
  });
});
