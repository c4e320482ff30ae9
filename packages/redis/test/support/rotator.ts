/** A process that looks after signing keys in Redis until it is killed. Runs on the built packages. */
import process from 'node:process';
import { createSigningKeySet } from '@watchword/core';
import { createRedisSigningKeyStore } from '@watchword/redis';

/** How its keys follow each other, in milliseconds. */
export const ROTATION: {
  readonly rotateEveryMs: number;
  readonly publishAheadMs: number;
  readonly holdMs: number;
  readonly toleranceMs: number;
} = { rotateEveryMs: 100, publishAheadMs: 60, holdMs: 60_000, toleranceMs: 50 };

const [server, secret] = process.argv.slice(2);
if (server !== undefined && secret !== undefined) {
  const set = createSigningKeySet({
    store: createRedisSigningKeyStore({ server, timeoutMs: 500 }),
    encryptionKeys: [Buffer.from(secret, 'base64url')],
    ...ROTATION,
    pollMs: 3,
  });
  await set.refresh().catch(() => {});
  setInterval(() => {}, 1000);
}
