/** Fetches one JSON document with every limit that a hostile or sick server calls for. */
import { WatchwordError } from '../errors.ts';

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
    // A fetch of the user's own may not heed the signal.
    return await Promise.race([download(fetch, url, limits, signal), aborted(signal)]);
  } catch (error) {
    if (error instanceof WatchwordError) throw error;
    const reason = signal.aborted ? `no answer within ${limits.timeoutMs} ms` : describe(error);
    throw new WatchwordError('keys_unavailable', `${url}: ${reason}`, { cause: error });
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
    // An unread body would hold its connection until the time limit.
    response.body?.cancel().catch(() => {});
    throw new WatchwordError('keys_unavailable', `${url}: answered ${response.status}`);
  }
  assertPlausible(response, url);
  return JSON.parse(await readLimited(response, limits.maxBytes, url));
}

// Real issuers serve their keys as text/plain or octet-stream as well, so other types pass; HTML is a sign-in or an error page.
const PAGES = new Set(['text/html', 'application/xhtml+xml']);

function assertPlausible(response: Response, url: string): void {
  const type = response.headers.get('content-type')?.split(';', 1)[0]!.trim().toLowerCase() ?? '';
  const fault = response.redirected ? 'was redirected' : PAGES.has(type) ? `answered ${type}` : undefined;
  if (fault === undefined) return;
  response.body?.cancel().catch(() => {});
  throw new WatchwordError('keys_unavailable', `${url}: ${fault}`);
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason), { once: true }));
}

async function readLimited(response: Response, maxBytes: number, url: string): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body ?? []) {
    size += chunk.length;
    // Leaving the loop cancels the body, and with it the connection.
    if (size > maxBytes) throw new WatchwordError('keys_unavailable', `${url}: more than ${maxBytes} bytes`);
    chunks.push(chunk);
  }
  return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(chunks));
}

function describe(error: unknown): string {
  if (error instanceof SyntaxError) return 'not JSON';
  const cause = error instanceof Error ? error.cause : undefined;
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : undefined;
  return code ?? (error instanceof Error ? error.message : 'failed');
}
