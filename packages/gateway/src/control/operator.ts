/** Tells operators from other programs that reach the control listener. */
import type { IncomingMessage } from 'node:http';
import { WatchwordError, extractBearer, fromRawHeaders } from '@watchword/core';
import type { GatewayConfig } from '../config/config.ts';
import { configErrorAt } from '../config/locate.ts';
import { readSecretFile } from '../config/secret-files.ts';
import { readSecret } from '../token-service/clients/secret.ts';

/** Whether a request bears the operators' secret. Takes the same time whatever it bears. */
export type IsOperator = (request: IncomingMessage) => boolean;

/** Who is an operator, while the secret changes. */
export interface Operators {
  readonly isOperator: IsOperator;
  /**
   * Reads the secret as it is now, and puts it in force with the configuration that `apply` puts in force.
   * @throws ConfigError, or what `apply` throws: the old one stays in force
   */
  applyWith(next: GatewayConfig, apply: () => Promise<void>): Promise<void>;
}

/** Begins with the secret of a configuration. @throws ConfigError as {@link createIsOperator} */
export function createOperators(config: GatewayConfig): Operators {
  let isOperator = createIsOperator(config);
  return {
    isOperator: (request) => isOperator(request),
    async applyWith(next, apply) {
      const nextIsOperator = createIsOperator(next);
      await apply();
      isOperator = nextIsOperator;
    },
  };
}

/** What `Authorization` can bear as one secret: a comma or a space would make it two. */
const BEARABLE = /^[\x21-\x2b\x2d-\x7e]+$/;

/**
 * Reads `control.secretFile`; without one everybody is an operator who gets that far: programs on this machine.
 * @throws ConfigError for a file that cannot be read, and for a secret that can be guessed (A15) or that nobody could bear; never with
 * the secret
 */
export function createIsOperator(config: GatewayConfig): IsOperator {
  const at = ['control', 'secretFile'];
  const content = readSecretFile(config, config.control.secretFile, at);
  if (content === undefined) return () => true;
  // Found now, and not when something has to be revoked.
  if (!BEARABLE.test(content)) throw configErrorAt(config, at, 'must be printable ASCII without spaces and commas');
  const isSecret = locating(config, at, () => readSecret(content));
  return ({ rawHeaders }) => {
    const secret = bearerOf(rawHeaders);
    return secret !== undefined && isSecret(secret);
  };
}

// Two of them, another scheme, other characters: none.
function bearerOf(rawHeaders: readonly string[]): string | undefined {
  try {
    return extractBearer(fromRawHeaders(rawHeaders));
  } catch {
    return undefined;
  }
}

function locating<Result>(config: GatewayConfig, at: readonly string[], read: () => Result): Result {
  try {
    return read();
  } catch (cause) {
    throw configErrorAt(config, at, cause instanceof WatchwordError ? cause.message : 'cannot be used', cause);
  }
}
