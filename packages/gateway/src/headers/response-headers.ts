/** The header fields that go back to the client. */
import type { IncomingHttpHeaders } from 'node:http';
import { classifyHeader } from './classify.ts';
import { foldHeaderName } from './reserved.ts';

/**
 * Copies upstream's answer without what belongs to one connection (RFC 9110 section 7.6.1) or to the inside (Txn-Token and
 * `x-watchword-*`, invariant 10). Trailers are not forwarded, so neither is `Trailer`.
 * @param authenticated whether the answer was given to an authenticated caller
 */
export function responseHeaders(upstream: IncomingHttpHeaders, authenticated: boolean): string[] {
  const fields: string[] = [];
  const nominated = nominatedBy(upstream.connection);
  let cacheControl = false;
  for (const name in upstream) {
    const value = upstream[name];
    if (value === undefined || !passes(name) || nominated?.has(name)) continue;
    if (name === 'cache-control') cacheControl = saysSomething(value);
    // Not even an empty one is left beside ours.
    if (name === 'cache-control' && !cacheControl) continue;
    if (typeof value === 'string') fields.push(name, value);
    else for (const one of value) fields.push(name, one);
  }
  // D11: an answer to one caller is not stored for the next. Where upstream decided otherwise, also by a field that only some
  // caches obey (RFC 9213), a stored copy must at least never be served to somebody who sent other credentials (RFC 9111
  // section 4.1).
  if (authenticated) {
    fields.push('vary', 'authorization');
    if (!cacheControl) fields.push('cache-control', 'no-store');
  }
  return fields;
}

function saysSomething(value: string | readonly string[]): boolean {
  return /[^\s,]/.test(String(value));
}

function passes(name: string): boolean {
  const { treatment } = classifyHeader(name);
  return treatment === 'pass' || treatment === 'content-length' || (treatment === 'reserved' && !isInternal(name));
}

// Only the request direction needs the other reserved names removed.
function isInternal(name: string): boolean {
  return `${foldHeaderName(name)}-`.startsWith('x-watchword-');
}

function nominatedBy(connection: string | readonly string[] | undefined): ReadonlySet<string> | undefined {
  if (connection === undefined || connection === 'keep-alive' || connection === 'close') return undefined;
  const text = typeof connection === 'string' ? connection : connection.join(',');
  return new Set(
    text
      .split(',')
      .map((option) => option.trim().toLowerCase())
      .filter((name) => name !== 'content-length'),
  );
}
