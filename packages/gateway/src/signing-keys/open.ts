/** From the section `txnToken.keys` to a set of signing keys that looks after itself. */
import { createHash } from 'node:crypto';
import { resolve } from 'node:path';
import {
  type Clock,
  type SigningKeySet,
  type SigningKeyStore,
  createSigningKeySet,
  createSqliteSigningKeyStore,
} from '@watchword/core';
import { createRedisSigningKeyStore } from '@watchword/redis';
import type { GatewayConfig } from '../config/config.ts';
import { type ConfigPath, baseDirectoryOf, configErrorAt } from '../config/locate.ts';
import { withPassword } from '../config/redis-server.ts';
import { readEncryptionKeys, readSecretFile } from '../config/secret-files.ts';
import type { SigningKeysConfig } from '../config/sections/signing-keys.ts';
import { longestVoucherSeconds } from '../config/sections/vouchers.ts';

/** What is in files, and what of it two configurations can be compared by. */
export interface SigningKeySecrets {
  readonly encryptionKeys: readonly Uint8Array[] | undefined;
  readonly password: string | undefined;
  /** Digest of both. */
  readonly id: string;
}

/** Opens the store and makes the set; a server is only connected to when it is used. @throws ConfigError naming the setting */
export function openSigningKeys(
  config: GatewayConfig,
  section: SigningKeysConfig,
  clock?: Clock,
  secrets: SigningKeySecrets = readSigningKeySecrets(config),
): SigningKeySet {
  const store = openStore(config, section, secrets, clock);
  const { rotateEverySeconds, publishAheadSeconds, holdSeconds, allowPlaintext } = section;
  return createSigningKeySet({
    store,
    algorithm: config.txnToken!.algorithm,
    rotateEveryMs: rotateEverySeconds * 1000,
    publishAheadMs: publishAheadSeconds * 1000,
    allowPlaintext,
    // A voucher has to be verified until it ends.
    tokenLifetimeMs: Math.max(300, longestVoucherSeconds(config.tokenService)) * 1000,
    ...(holdSeconds === undefined ? {} : { holdMs: holdSeconds * 1000 }),
    ...(secrets.encryptionKeys === undefined ? {} : { encryptionKeys: secrets.encryptionKeys }),
    ...(clock === undefined ? {} : { clock }),
  });
}

/** Reads the files that the section names. @throws ConfigError naming the setting, and nothing of what is in the file */
export function readSigningKeySecrets(config: GatewayConfig): SigningKeySecrets {
  const section = config.txnToken?.keys;
  const password = readSecretFile(config, section?.store.passwordFile, ['txnToken', 'keys', 'store', 'passwordFile']);
  const at: ConfigPath = ['txnToken', 'keys', 'encryptionKeyFile'];
  const encryptionKeys = readEncryptionKeys(config, section?.encryptionKeyFile, at);
  const id = createHash('sha256')
    .update(JSON.stringify([password, encryptionKeys?.map((key) => Buffer.from(key).toString('base64'))]))
    .digest('base64url');
  return { encryptionKeys, password, id };
}

function openStore(
  config: GatewayConfig,
  { store: { sqlite, redis, prefix } }: SigningKeysConfig,
  { password }: SigningKeySecrets,
  clock: Clock | undefined,
): SigningKeyStore {
  const at = (name: string): ConfigPath => ['txnToken', 'keys', 'store', name];
  // Neither the address nor what a driver says about it is repeated: it may hold the password (E12).
  if (redis !== undefined) {
    const server = withPassword(redis, password);
    return locating(config, at('redis'), () =>
      createRedisSigningKeyStore({ server, ...(prefix === undefined ? {} : { prefix }) }),
    );
  }
  const path = resolve(baseDirectoryOf(config), sqlite!);
  const time = clock === undefined ? {} : { clock };
  return locating(config, at('sqlite'), () => createSqliteSigningKeyStore({ path, ...time }));
}

function locating(config: GatewayConfig, path: ConfigPath, open: () => SigningKeyStore): SigningKeyStore {
  try {
    return open();
  } catch (cause) {
    const isPublic = cause instanceof Error && cause.message.includes('chmod 600');
    throw configErrorAt(config, path, isPublic ? 'may be read by others than its owner (chmod 600)' : 'cannot be opened', cause);
  }
}
