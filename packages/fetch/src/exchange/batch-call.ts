/** One call of the batch endpoint: bounded in time and size, tried again where that is safe. */
import { ExchangeError, refused } from './exchange-error.ts';
import type { ExchangeSettings } from './exchange-options.ts';

/** An answer is not longer than this for each exchange: tokens have at most 4 KB. */
const MAX_RESULT_BYTES = 8192;
const RETRY_AFTER_MS = 50;

/** Sends the items. @returns their results, in their order @throws ExchangeError (as a rejection) when there are none */
export async function callBatch(items: readonly string[], settings: ExchangeSettings): Promise<readonly unknown[]> {
  const { timeoutMs, retries, schedule } = settings;
  const abort = new AbortController();
  const cancel = schedule(() => abort.abort(), timeoutMs, true);
  try {
    for (let attempt = 0; ; attempt += 1) {
      const asked = ask(items, settings, abort.signal, attempt < retries);
      const results = await Promise.race([asked, aborted(abort.signal)]);
      if (results !== undefined) return results;
      await pause(settings, abort.signal);
    }
  } catch (cause) {
    if (cause instanceof ExchangeError) throw cause;
    if (abort.signal.aborted) throw new ExchangeError('upstream_timeout', 'The token service did not answer in time');
    // What a driver says may hold an address or more: the cause stays with the program.
    throw new ExchangeError('upstream_unavailable', 'The token service could not be reached', undefined, { cause });
  } finally {
    cancel();
  }
}

// An assertion that nobody makes, or a fetch that hears no signal, would otherwise keep its place for ever, and then all would wait.
function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const tell = (): void => reject(signal.reason as Error);
    if (signal.aborted) tell();
    else signal.addEventListener('abort', tell);
  });
}

/** undefined: to be tried again. */
async function ask(
  items: readonly string[],
  settings: ExchangeSettings,
  signal: AbortSignal,
  mayRetry: boolean,
): Promise<readonly unknown[] | undefined> {
  let response: Response;
  try {
    response = await settings.fetch(settings.endpoint, { ...(await requestOf(items, settings)), signal });
  } catch (error) {
    if (mayRetry && !signal.aborted) return undefined;
    throw error;
  }
  if (response.status === 503 && mayRetry) {
    await response.body?.cancel();
    return undefined;
  }
  const answer = parse(await readText(response, 1024 + items.length * MAX_RESULT_BYTES));
  if (response.status !== 200) throw refused(answer?.error, response.status);
  const results = answer?.results;
  if (!Array.isArray(results) || results.length !== items.length) {
    throw new ExchangeError('upstream_unavailable', 'The token service gave an answer that cannot be read');
  }
  return results;
}

async function requestOf(items: readonly string[], { credentials }: ExchangeSettings): Promise<RequestInit> {
  const { clientId, secret, assertion } = credentials;
  const headers: Record<string, string> = { 'content-type': 'application/json', accept: 'application/json' };
  const members: Record<string, string> = { client_id: clientId };
  if (secret !== undefined) headers.authorization = `Basic ${btoa(`${encode(clientId)}:${encode(secret)}`)}`;
  if (assertion !== undefined) {
    members.client_assertion_type = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';
    members.client_assertion = await assertion();
  }
  const body = `${JSON.stringify(members).slice(0, -1)},"requests":[${items.join(',')}]}`;
  // Not to anywhere else than where it was sent (TT-20).
  return { method: 'POST', headers, body, redirect: 'error', cache: 'no-store' };
}

// RFC 6749 section 2.3.1.
function encode(text: string): string {
  return encodeURIComponent(text).replaceAll(/[!'()*]/g, (character) => `%${character.charCodeAt(0).toString(16)}`);
}

async function readText(response: Response, maxBytes: number): Promise<string> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of (response.body ?? []) as AsyncIterable<Uint8Array>) {
    length += chunk.length;
    if (length > maxBytes) throw new ExchangeError('upstream_unavailable', 'The answer of the token service is too long');
    chunks.push(chunk);
  }
  return new TextDecoder().decode(Buffer.concat(chunks));
}

function parse(text: string): { readonly error?: unknown; readonly results?: unknown } | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}

function pause({ schedule }: ExchangeSettings, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const cancel = schedule(resolve, RETRY_AFTER_MS, true);
    signal.addEventListener('abort', () => {
      cancel();
      reject(signal.reason as Error);
    });
  });
}
