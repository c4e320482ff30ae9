/** Failures of an upstream call, told apart. */
import { WatchwordError } from '@watchword/core';

const TIMEOUTS: ReadonlySet<string> = new Set([
  'UND_ERR_CONNECT_TIMEOUT',
  'UND_ERR_HEADERS_TIMEOUT',
  'UND_ERR_BODY_TIMEOUT',
  'UPSTREAM_CONNECT_TIMEOUT',
  'UPSTREAM_SILENT',
  'UPSTREAM_PING_TIMEOUT',
  'ETIMEDOUT',
]);

// Nobody was reached, or nobody who could be trusted: no byte of a request was sent. Or the target says so itself.
const NEVER_SENT: ReadonlySet<string> = new Set([
  'ECONNREFUSED',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'EHOSTDOWN',
  'ENETDOWN',
  'ENOTFOUND',
  'EAI_AGAIN',
  'UND_ERR_CONNECT_TIMEOUT',
  'UPSTREAM_CONNECT_TIMEOUT',
  'UPSTREAM_NOT_H2',
  'UPSTREAM_NOT_PROCESSED',
]);
const CERTIFICATE = /CERT|VERIFY_LEAF/;

/** Whether the upstream has seen nothing of a request that failed so. */
export function isNeverSent({ cause }: WatchwordError): boolean {
  const code = (cause as { code?: unknown } | undefined)?.code;
  return typeof code === 'string' && (NEVER_SENT.has(code) || CERTIFICATE.test(code));
}

/**
 * What a failed upstream call means for the client. The text names the kind of failure only: an upstream's own words could hold
 * anything (E12).
 */
export function toUpstreamError(error: unknown): WatchwordError {
  if (error instanceof WatchwordError) return error;
  const code = (error as { code?: unknown } | null)?.code;
  const kind = typeof code === 'string' ? code : 'unknown failure';
  if (TIMEOUTS.has(kind)) return new WatchwordError('upstream_timeout', `Upstream: ${kind}`, { cause: error });
  // Refused before a byte was sent: the request has a form that HTTP does not allow.
  if (kind === 'UND_ERR_INVALID_ARG')
    return new WatchwordError('request_malformed', 'The request cannot be forwarded', { cause: error });
  return new WatchwordError('upstream_unavailable', `Upstream: ${kind}`, { cause: error });
}
