/** Which failed attempts may be repeated: those of which the target cannot have acted on the request, or may do so twice. */
import { NotProcessed } from './target.ts';

/** One failed attempt. */
export interface FailedAttempt {
  readonly method: string;
  /** Whether the target may have seen a byte of it. */
  readonly sent: boolean;
  readonly error: Error;
}

// RFC 9110 section 9.2.2. TRACE is never forwarded.
const IDEMPOTENT: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE']);

// The connection ended without an answer: what happens to one that was kept open when the other side closes it. Not a time limit:
// who has waited that long is not made to wait again.
const CONNECTION_DIED: ReadonlySet<unknown> = new Set([
  'UND_ERR_SOCKET',
  'UPSTREAM_RESET',
  'UPSTREAM_CLOSED',
  'ECONNRESET',
  'EPIPE',
]);

const UNUSABLE: ReadonlySet<unknown> = new Set(['UND_ERR_INVALID_ARG', 'UND_ERR_DESTROYED', 'UND_ERR_CLOSED']);

/** Whether doing it twice is meant to have the effect of doing it once. */
export function isIdempotent(method: string): boolean {
  return IDEMPOTENT.has(method);
}

/** Whether the request may be sent again. Only to be asked as long as no part of an answer has gone to the client. */
export function mayRetry({ method, sent, error }: FailedAttempt): boolean {
  const code = (error as { code?: unknown }).code;
  if (!sent) return !UNUSABLE.has(code);
  // RFC 9113 section 8.7: REFUSED_STREAM and GOAWAY say so for every method.
  if (error instanceof NotProcessed) return true;
  // RFC 9110 section 9.2.2: not automatically, unless the method is idempotent.
  return isIdempotent(method) && CONNECTION_DIED.has(code);
}
