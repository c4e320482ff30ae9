/** Addresses of Redis servers: in the file without a password, which is in a file of its own. */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import * as v from 'valibot';
import type { GatewayConfig } from './config.ts';
import { text } from './forms.ts';
import { type ConfigPath, baseDirectoryOf, configErrorAt } from './locate.ts';

/** The form of an address. */
export const redisUrl: v.GenericSchema<string, string> = v.pipe(
  text,
  v.check((value) => isRedisUrl(value), 'must be a redis: or rediss: URL without a password: that goes into passwordFile'),
  v.metadata({ pattern: '^[Rr][Ee][Dd][Ii][Ss][Ss]?:' }),
);

/** The address with the password, for a driver and for nothing else. @throws ConfigError at `passwordAt` */
export function redisAddress(
  config: GatewayConfig,
  address: string,
  passwordFile: string | undefined,
  passwordAt: ConfigPath,
): string {
  const password = readSecretFile(config, passwordFile, passwordAt);
  if (password === undefined) return address;
  const url = new URL(address);
  url.password = encodeURIComponent(password);
  return url.href;
}

/** The text of a file that holds a secret, without white space around it; undefined: no file is named. @throws ConfigError at `at` */
export function readSecretFile(config: GatewayConfig, file: string | undefined, at: ConfigPath): string | undefined {
  if (file === undefined) return undefined;
  let secret: string;
  try {
    secret = readFileSync(resolve(baseDirectoryOf(config), file), 'utf8').trim();
  } catch (cause) {
    throw configErrorAt(config, at, `cannot be read (${(cause as NodeJS.ErrnoException).code ?? 'error'})`, cause);
  }
  if (secret === '') throw configErrorAt(config, at, 'is empty');
  return secret;
}

function isRedisUrl(value: string): boolean {
  const url = URL.parse(value);
  return (
    url !== null &&
    !/\s/.test(value) &&
    /^rediss?:$/.test(url.protocol) &&
    url.hostname !== '' &&
    url.password === '' &&
    url.search === ''
  );
}
