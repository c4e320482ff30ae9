/** Batches of a real consumer: tokens verified together, messages admitted one by one. */
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { TRUST_DOMAIN } from '@watchword/conformance';
import {
  SIGNATURE_CHECK_CHANNEL,
  createCachedVerifier,
  createLocalKeys,
  createMessageGuard,
  createPipeline,
  createTxnVerifier,
  currentIdentity,
  generateSigningKey,
  signJws,
} from '@watchword/core';
import { Kafka, logLevel } from 'kafkajs';
import { describe, expect, test } from 'vitest';
import { guardBatches } from '../src/index.ts';
import { missing, startMockCluster } from './support/mock-cluster.ts';

const key = generateSigningKey();
const keys = createLocalKeys({ issuer: TRUST_DOMAIN, algorithms: ['ES256'], jwks: { keys: [key.publicJwk()] } });

function tokenFor(sub: string, by = key): string {
  const iat = Math.floor(Date.now() / 1000);
  const claims = { iat, exp: iat + 60, aud: TRUST_DOMAIN, txn: 'T', sub, scope: '', req_wl: 'edge' };
  return signJws(Buffer.from(JSON.stringify(claims)), { typ: 'txntoken+jwt' }, by);
}

describe.skipIf(missing !== undefined)(`with a broker${missing === undefined ? '' : ` (${missing})`}`, () => {
  test('400 messages of 10 users, bad ones between them: each token verified once, each message by itself', async () => {
    const cluster = await startMockCluster();
    const kafka = new Kafka({ brokers: [cluster.broker], logLevel: logLevel.NOTHING });
    const producer = kafka.producer();
    const consumer = kafka.consumer({ groupId: 'batches', maxWaitTimeInMs: 50 });
    let checks = 0;
    const count = (): void => void (checks += 1);
    subscribe(SIGNATURE_CHECK_CHANNEL, count);
    try {
      await Promise.all([producer.connect(), consumer.connect()]);
      const users = Array.from({ length: 10 }, (_, index) => tokenFor(`user-${index}`));
      const forged = tokenFor('user-1', generateSigningKey('ES256', key.kid));
      const messages = Array.from({ length: 400 }, (_, index) => {
        const headers = index % 40 === 7 ? { 'txn-token': forged } : index % 40 === 8 ? {} : { 'txn-token': users[index % 10]! };
        return { value: `${index}`, partition: 0, headers };
      });
      await producer.send({ topic: 'orders', messages });

      const reasons: (string | undefined)[] = [];
      const verifier = createCachedVerifier(createTxnVerifier({ trustDomain: TRUST_DOMAIN, keys }));
      const pipeline = createPipeline({ source: 'txn-token', verifier });
      const onSettled = ({ reason }: { readonly reason: string | undefined }): void => void reasons.push(reason);
      const guard = createMessageGuard({ pipeline, topics: { orders: {} }, onSettled });
      const wrong: string[] = [];
      const eachBatch = guardBatches(guard, { deadLetter: 'skip', verifier }, ({ message }) => {
        if (currentIdentity().subject !== `user-${Number(String(message.value)) % 10}`) wrong.push(String(message.value));
      });
      await consumer.subscribe({ topics: ['orders'], fromBeginning: true });
      await consumer.run({ eachBatch, eachBatchAutoResolve: false });
      await expect.poll(() => reasons.length, { timeout: 20_000 }).toBe(400);
      expect(wrong).toEqual([]);
      const of = (wanted: string | undefined): number => reasons.filter((reason) => reason === wanted).length;
      expect([of(undefined), of('signature_invalid'), of('txn_missing')]).toEqual([380, 10, 10]);
      // Ten good ones once; the forged one at most twice for each time that it is met, never remembered as good.
      expect(checks).toBeLessThanOrEqual(10 + 2 * 10);
    } finally {
      unsubscribe(SIGNATURE_CHECK_CHANNEL, count);
      await Promise.all([consumer.disconnect(), producer.disconnect()]);
      await cluster.stop();
    }
  }, 60_000);
});
