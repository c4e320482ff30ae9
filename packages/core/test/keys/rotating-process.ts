/** A process that looks after signing keys in a SQLite file, until it is killed. Keys last 100 ms. */
import process from 'node:process';
import { createSigningKeySet } from '../../src/keys/signing-key-set.ts';
import { createSqliteSigningKeyStore } from '../../src/keys/sqlite-signing-keys.ts';

const store = createSqliteSigningKeyStore({ path: process.argv[2]! });
const set = createSigningKeySet({
  store,
  rotateEveryMs: 100,
  publishAheadMs: 60,
  holdMs: 60_000,
  toleranceMs: 50,
  pollMs: 3,
});
await set.refresh().catch(() => {});
setInterval(() => {}, 1000);
