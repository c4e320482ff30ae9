/** Fetches one JSON document with every limit that a hostile or sick server calls for. */
import { WatchwordError } from '../errors.ts';
import { aborted, discard, readBounded } from './bounded-answer.ts';

/** The part of WHATWG fetch that is used. */
export type Fetch = (url: string, init: RequestInit) => Promise<Response>;

/** Limits of one fetch. */
export interface FetchLimits {
  readonly timeoutMs: number;
  /** Counted after decompression, so a small bomb does not pass (C5). */
  readonly maxBytes: number;
}

/**
 * Gets and parses a JSON document.
 * @throws WatchwordError `keys_unavailable` with the reason; never hangs longer than the time limit
 */
export async function fetchJson(fetch: Fetch, url: string, limits: FetchLimits): Promise<unknown> {
  const signal = AbortSignal.timeout(limits.timeoutMs);
  try {
    return await Promise.race([download(fetch, url, limits, signal), aborted(signal)]);
  } catch (error) {
    if (error instanceof WatchwordError) throw error;
    const reason = signal.aborted ? `no answer within ${limits.timeoutMs} ms` : describe(error);
    throw unavailable(url, reason, error);
  }
}

async function download(fetch: Fetch, url: string, limits: FetchLimits, signal: AbortSignal): Promise<unknown> {
  // A redirect could point anywhere, so none is followed (C1).
  const response = await fetch(url, {
    redirect: 'error',
    signal,
    headers: { accept: 'application/jwk-set+json, application/json' },
  });
  if (response.status !== 200) {
    discard(response);
    throw unavailable(url, `answered ${response.status}`);
  }
  assertPlausible(response, url);
  const bytes = await readBounded(response, limits.maxBytes, (reason) => unavailable(url, reason));
  return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
}

// Real issuers serve their keys as text/plain or octet-stream as well, so other types pass; HTML is a sign-in or an error page.
const PAGES = new Set(['text/html', 'application/xhtml+xml']);

function assertPlausible(response: Response, url: string): void {
  const type = response.headers.get('content-type')?.split(';', 1)[0]!.trim().toLowerCase() ?? '';
  const fault = response.redirected ? 'was redirected' : PAGES.has(type) ? `answered ${type}` : undefined;
  if (fault === undefined) return;
  discard(response);
  throw unavailable(url, fault);
}

function describe(error: unknown): string {
  if (error instanceof SyntaxError) return 'not JSON';
  const cause = error instanceof Error ? error.cause : undefined;
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : undefined;
  return code ?? (error instanceof Error ? error.message : 'failed');
}

function unavailable(url: string, reason: string, cause?: unknown): WatchwordError {
  return new WatchwordError('keys_unavailable', `${url}: ${reason}`, cause === undefined ? undefined : { cause });
}
