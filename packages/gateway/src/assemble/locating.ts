/** Reads what a configuration names, and says at which setting it failed. */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { GatewayConfig } from '../config/config.ts';
import { type ConfigPath, baseDirectoryOf, configErrorAt } from '../config/locate.ts';

/** Reads the file that a setting names. @throws ConfigError */
export function readText(file: string, config: GatewayConfig, path: ConfigPath): string {
  try {
    return readFileSync(resolve(baseDirectoryOf(config), file), 'utf8');
  } catch (cause) {
    throw configErrorAt(config, path, `cannot be read (${(cause as NodeJS.ErrnoException).code ?? 'error'})`, cause);
  }
}

/**
 * What core refuses is reported at the setting that it came from. A parser's message may quote the file, so it is left out.
 * @throws ConfigError
 */
export function locating<Result>(config: GatewayConfig, path: ConfigPath, build: () => Result): Result {
  try {
    return build();
  } catch (cause) {
    throw configErrorAt(config, path, cause instanceof SyntaxError ? 'is not JSON' : (cause as Error).message, cause);
  }
}
