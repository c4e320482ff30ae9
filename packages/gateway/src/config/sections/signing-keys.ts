/** The section `txnToken.keys`: signing keys that rotate. */
import * as v from 'valibot';
import { between, section, text } from '../forms.ts';
import { redisUrl } from '../redis-server.ts';

/** Where signing keys are kept. Exactly one of `sqlite` and `redis` is given; the default is `signing-keys.db`. */
export interface SigningKeyStoreConfig {
  /** File on a local file system, for the processes of one machine. */
  readonly sqlite?: string | undefined;
  /** URL of a Redis server, for several machines. Without a password. */
  readonly redis?: string | undefined;
  /** File with the password of the Redis server. */
  readonly passwordFile?: string | undefined;
  /** First part of the key name in Redis. */
  readonly prefix?: string | undefined;
}

/** Signing keys that rotate by schedule. */
export interface SigningKeysConfig {
  readonly store: SigningKeyStoreConfig;
  /** From the first use of one key to that of the next. */
  readonly rotateEverySeconds: number;
  /** How long a key is published before it signs. */
  readonly publishAheadSeconds: number;
  /** How much longer than planned a key may sign while the store is away. Default: `rotateEverySeconds`. */
  readonly holdSeconds?: number | undefined;
  /** File with the secrets that keys are encrypted with at rest: 32 bytes each in base64 or hex, one a line, the first encrypts. */
  readonly encryptionKeyFile?: string | undefined;
  /** Lets keys lie in Redis as they are. */
  readonly allowPlaintext: boolean;
}

/** Services keep a key set for five minutes, and so may a cache on the way to them; half a minute for each of two clocks. */
const LEAST_PUBLISH_AHEAD_SECONDS = 660;

/** Its form. */
export const signingKeysSchema: v.GenericSchema<unknown, SigningKeysConfig> = section({
  store: v.optional(
    section({
      sqlite: v.optional(text),
      redis: v.optional(redisUrl),
      passwordFile: v.optional(text),
      prefix: v.optional(text),
    }),
    // For one machine, survives restarts.
    { sqlite: 'signing-keys.db' },
  ),
  rotateEverySeconds: v.optional(between(LEAST_PUBLISH_AHEAD_SECONDS, 31_536_000), 86_400),
  publishAheadSeconds: v.optional(between(LEAST_PUBLISH_AHEAD_SECONDS, 604_800), 900),
  holdSeconds: v.optional(between(0, 31_536_000)),
  encryptionKeyFile: v.optional(text),
  allowPlaintext: v.optional(v.boolean(), false),
});

/** Rules between its settings, and with those around it. Paths begin below `txnToken`. */
export function* checkSigningKeys(
  keys: SigningKeysConfig,
  { keyFile }: { readonly keyFile?: string | undefined },
): Generator<{ readonly path: readonly string[]; readonly reason: string }> {
  const { store, rotateEverySeconds, publishAheadSeconds, encryptionKeyFile, allowPlaintext } = keys;
  if (keyFile !== undefined) yield { path: ['keyFile'], reason: 'does not go with keys: those are made by the gateway' };
  if ((store.sqlite === undefined) === (store.redis === undefined)) {
    yield { path: ['keys', 'store'], reason: 'needs exactly one of sqlite and redis' };
  }
  for (const name of ['passwordFile', 'prefix'] as const) {
    if (store[name] !== undefined && store.redis === undefined) {
      yield { path: ['keys', 'store', name], reason: 'goes with redis only' };
    }
  }
  if (rotateEverySeconds < publishAheadSeconds) {
    yield { path: ['keys', 'publishAheadSeconds'], reason: 'must not be longer than rotateEverySeconds' };
  }
  if (store.redis !== undefined && encryptionKeyFile === undefined && !allowPlaintext) {
    const reason = 'needs encryptionKeyFile, since who reads the server could sign (allowPlaintext: true does without)';
    yield { path: ['keys', 'store', 'redis'], reason };
  }
}
