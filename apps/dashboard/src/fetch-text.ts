/** One GET with limits. */

const TIMEOUT_MS = 2_000;
/** A gateway with a thousand routes shows less. */
const MAX_BYTES = 8_000_000;

/** Fetches a text. @throws Error no answer in time, a redirect, or too long an answer */
export async function fetchText(fetch: typeof globalThis.fetch, url: string): Promise<{ status: number; text: string }> {
  const response = await fetch(url, { redirect: 'error', signal: AbortSignal.timeout(TIMEOUT_MS) });
  const decoder = new TextDecoder();
  let [text, length] = ['', 0];
  for await (const chunk of (response.body ?? []) as AsyncIterable<Uint8Array>) {
    length += chunk.length;
    if (length > MAX_BYTES) throw new Error(`The answer is longer than ${MAX_BYTES} bytes`);
    text += decoder.decode(chunk, { stream: true });
  }
  return { status: response.status, text };
}
