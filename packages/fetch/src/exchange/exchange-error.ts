/** Why an exchange gave no token. */
import { type ErrorCode, WatchwordError } from '@watchword/core';

/** An exchange that failed: the token service refused it, or could not be asked. */
export class ExchangeError extends WatchwordError {
  /** The `error` of the answer (RFC 6749 section 5.2); undefined: there was none. */
  readonly error: string | undefined;

  constructor(code: ErrorCode, message: string, error?: string, options?: ErrorOptions) {
    super(code, message, options);
    this.error = error;
  }
}

/** What an error of the token service means here. Its description is not repeated: it is not our text. */
export function refused(error: unknown, status: number): ExchangeError {
  const name = typeof error === 'string' && KNOWN.has(error) ? error : 'unknown';
  const code: ErrorCode =
    name === 'invalid_scope' ? 'scope_insufficient' : status >= 500 ? 'upstream_unavailable' : 'mint_failed';
  return new ExchangeError(code, `The token service refused the exchange: ${name}`, name);
}

const KNOWN: ReadonlySet<string> = new Set([
  'invalid_request',
  'invalid_client',
  'unauthorized_client',
  'unsupported_grant_type',
  'invalid_scope',
  'invalid_target',
  'temporarily_unavailable',
  'server_error',
]);
