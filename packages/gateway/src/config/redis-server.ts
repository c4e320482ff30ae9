/** Addresses of Redis servers: in the file without a password, which is in a file of its own. */
import * as v from 'valibot';
import type { GatewayConfig } from './config.ts';
import { text } from './forms.ts';
import type { ConfigPath } from './locate.ts';
import { readSecretFile } from './secret-files.ts';

/** The form of an address. */
export const redisUrl: v.GenericSchema<string, string> = v.pipe(
  text,
  v.check((value) => isRedisUrl(value), 'must be a redis: or rediss: URL without a password: that goes into passwordFile'),
  v.metadata({ pattern: '^[Rr][Ee][Dd][Ii][Ss][Ss]?:' }),
);

/** The address with the password, for a driver and for nothing else. */
export function withPassword(address: string, password: string | undefined): string {
  if (password === undefined) return address;
  const url = new URL(address);
  url.password = encodeURIComponent(password);
  return url.href;
}

/** The same with the password in a file. @throws ConfigError at `passwordAt` */
export function redisAddress(
  config: GatewayConfig,
  address: string,
  passwordFile: string | undefined,
  passwordAt: ConfigPath,
): string {
  return withPassword(address, readSecretFile(config, passwordFile, passwordAt));
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
