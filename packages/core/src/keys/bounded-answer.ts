/** How much of an answer is read, and for how long it is waited for: what every fetch of ours has in common (C5). */

/** Rejects when the time is over. A fetch of the user's own may not heed its signal. */
export function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason), { once: true }));
}

/** Gives up an answer. An unread body would hold its connection until the time limit. */
export function discard(response: Response): void {
  response.body?.cancel().catch(() => {});
}

/** Reads the body, counted after decompression, so a small bomb does not pass. @throws what `refuse` makes of the reason */
export async function readBounded(response: Response, maxBytes: number, refuse: (reason: string) => Error): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body ?? []) {
    size += chunk.length;
    // Leaving the loop cancels the body, and with it the connection.
    if (size > maxBytes) throw refuse(`more than ${maxBytes} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
