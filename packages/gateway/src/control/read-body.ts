/** Reads a short request body whole. */
import { isUtf8 } from 'node:buffer';
import type { IncomingMessage } from 'node:http';
import { assertConfig } from '@watchword/core';

/** The text; undefined when it is longer. What is left of it is passed over. @throws WatchwordError `config_invalid`: it isn't UTF-8 */
export async function readBody(request: IncomingMessage, maxBytes: number): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length <= maxBytes) chunks.push(chunk);
    // Whoever sends much more than that gets no more attention.
    else if (length > 8 * maxBytes) break;
  }
  if (length > maxBytes) return undefined;
  const bytes = Buffer.concat(chunks);
  assertConfig(isUtf8(bytes), 'The body is not UTF-8');
  return bytes.toString('utf8');
}
