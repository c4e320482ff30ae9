/** Fetches one Status List Token with every limit that a hostile or sick server calls for. */
import { WatchwordError } from '../../errors.ts';
import { aborted, discard, readBounded } from '../../keys/bounded-answer.ts';
import type { Fetch, FetchLimits } from '../../keys/fetch-jwks.ts';

const MEDIA_TYPE = 'application/statuslist+jwt';

/** Hops that are followed. */
const MAX_REDIRECTS = 3;

/**
 * Gets the token as text (SL-5). Redirects are followed, but within one origin: the allow-list holds for every hop (C1).
 * @throws WatchwordError `revocation_unavailable` with the reason; never hangs longer than the time limit
 */
export async function fetchListToken(fetch: Fetch, uri: string, limits: FetchLimits): Promise<string> {
  const signal = AbortSignal.timeout(limits.timeoutMs);
  try {
    return await Promise.race([download(fetch, uri, limits, signal), aborted(signal)]);
  } catch (error) {
    if (error instanceof WatchwordError) throw error;
    throw unusable(signal.aborted ? `no answer within ${limits.timeoutMs} ms` : describe(error), error);
  }
}

async function download(fetch: Fetch, uri: string, limits: FetchLimits, signal: AbortSignal): Promise<string> {
  const response = await follow(fetch, uri, signal);
  const type = response.headers.get('content-type')?.split(';', 1)[0]?.trim().toLowerCase();
  if (response.status === 200 && type === MEDIA_TYPE) {
    // A compact token is ASCII; other bytes become characters that no segment may have.
    return (await readBounded(response, limits.maxBytes, unusable)).toString('latin1');
  }
  discard(response);
  throw unusable(response.status === 200 ? 'answered with another content type' : `answered ${response.status}`);
}

async function follow(fetch: Fetch, uri: string, signal: AbortSignal): Promise<Response> {
  const seen = new Set([uri]);
  let url = uri;
  for (;;) {
    const response = await fetch(url, { redirect: 'manual', signal, headers: { accept: MEDIA_TYPE } });
    if (response.redirected) throw unusable('followed a redirect unasked');
    if (!isRedirect(response)) return response;
    discard(response);
    url = nextHop(response, url);
    if (seen.has(url) || seen.size > MAX_REDIRECTS) throw unusable('redirects in circles');
    seen.add(url);
  }
}

function isRedirect({ status }: Response): boolean {
  return status === 301 || status === 302 || status === 303 || status === 307 || status === 308;
}

function nextHop(response: Response, from: string): string {
  const target = URL.parse(response.headers.get('location') ?? '', from);
  const isPlain = target !== null && target.username === '' && target.password === '';
  if (!isPlain || target.origin !== new URL(from).origin) throw unusable('redirects to another origin');
  target.hash = '';
  return target.href;
}

function describe(error: unknown): string {
  const cause = error instanceof Error ? error.cause : undefined;
  return cause instanceof Error && 'code' in cause ? String(cause.code) : 'the fetch failed';
}

function unusable(reason: string, cause?: unknown): WatchwordError {
  return new WatchwordError('revocation_unavailable', reason, { cause });
}
