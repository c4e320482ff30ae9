/** Secrets in files of their own. What is in them stands in no message. */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { GatewayConfig } from './config.ts';
import { type ConfigPath, baseDirectoryOf, configErrorAt } from './locate.ts';

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

/**
 * The keys of a file: 32 random bytes each, in base64 or hex, one a line. The first one closes, all of them open.
 * @throws ConfigError at `at`
 */
export function readEncryptionKeys(
  config: GatewayConfig,
  file: string | undefined,
  at: ConfigPath,
): readonly Uint8Array[] | undefined {
  return readSecretFile(config, file, at)
    ?.split(/\s+/)
    .map((line) => parseKey(config, line, at));
}

function parseKey(config: GatewayConfig, line: string, at: ConfigPath): Uint8Array {
  const key = /^[0-9a-f]{64}$/i.test(line)
    ? Buffer.from(line, 'hex')
    : Buffer.from(/^[A-Za-z0-9+/_-]{43}=?$/.test(line) ? line : '', 'base64');
  if (key.length === 32 && new Set(key).size >= 8) return key;
  throw configErrorAt(config, at, 'must hold 32 random bytes in base64 or hex, or several of them, one a line');
}
