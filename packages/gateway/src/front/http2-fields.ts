/** The fields of an HTTP/2 request as the edge reads them: nothing that HTTP/1.1 could read in another way comes through (F1). */
import { WatchwordError } from '@watchword/core';

/** What HEADERS said. */
export interface Http2Fields {
  /** Name, value, name, value, ...: `host` first, no pseudo-header fields. */
  readonly fields: string[];
  /** Whether the client takes trailers (`te: trailers`, RFC 9110 section 10.1.4). */
  readonly takesTrailers: boolean;
  /** Whether the client holds its body back until it is told to send it. */
  readonly waitsToContinue: boolean;
}

// RFC 9113 section 8.2.2.
const CONNECTION_SPECIFIC: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'transfer-encoding',
  'upgrade',
  'http2-settings',
]);
const REQUEST_PSEUDO: ReadonlySet<string> = new Set([':method', ':scheme', ':authority', ':path']);

/**
 * Checks a header section (RFC 9113 sections 8.2 and 8.3) and joins it to what HTTP/1.1 would have said. nghttp2 has refused most of
 * what is refused here; the edge does not rely on it.
 * @throws WatchwordError `request_malformed`
 */
export function readHttp2Fields(raw: readonly string[]): Http2Fields {
  const pseudo = new Map<string, string>();
  const fields: string[] = [];
  const crumbs: string[] = [];
  let host: string | undefined;
  let takesTrailers = false;
  let waitsToContinue = false;
  for (let index = 0; index < raw.length; index += 2) {
    const name = raw[index]!;
    const value = raw[index + 1]!;
    assertValue(value);
    if (name.startsWith(':')) {
      // Section 8.3: before all others, each once, and none that is not defined for requests.
      if (fields.length > 0 || crumbs.length > 0 || host !== undefined) refuse('has a pseudo-header field after others');
      if (!REQUEST_PSEUDO.has(name) || pseudo.has(name)) refuse('has a pseudo-header field twice, or an unknown one');
      pseudo.set(name, value);
      continue;
    }
    assertName(name);
    if (name === 'host') {
      if (host !== undefined) refuse('has several Host fields');
      host = value;
    } else if (name === 'cookie') crumbs.push(value);
    else if (name === 'te') {
      // Section 8.2.2: trailers is all that it may say.
      if (value !== 'trailers') refuse('has a TE field that is not trailers');
      takesTrailers = true;
    } else {
      if (name === 'expect') waitsToContinue = value.toLowerCase() === '100-continue';
      fields.push(name, value);
    }
  }
  assertTarget(pseudo);
  // Section 8.2.3: one field again, or HTTP/1.1 would see several.
  if (crumbs.length > 0) fields.push('cookie', crumbs.join('; '));
  const authority = authorityOf(pseudo.get(':authority'), host);
  if (authority !== undefined) fields.unshift('host', authority);
  return { fields, takesTrailers, waitsToContinue };
}

function assertTarget(pseudo: ReadonlyMap<string, string>): void {
  const scheme = pseudo.get(':scheme');
  // In capitals, as HTTP/1.1 has them here: `trace` is none, but somebody behind us may take it for TRACE.
  if (!/^[A-Z][A-Z-]*$/.test(pseudo.get(':method') ?? '')) refuse('has no method');
  if (pseudo.get(':method') === 'CONNECT') return;
  if (scheme !== 'http' && scheme !== 'https') refuse('has a scheme that is not HTTP');
  if ((pseudo.get(':path') ?? '') === '') refuse('has no path');
}

// Section 8.3.1: what Host says of another authority makes the request malformed; one of the two is enough.
function authorityOf(authority: string | undefined, host: string | undefined): string | undefined {
  if (authority !== undefined && host !== undefined && authority !== host) refuse('names two hosts');
  return authority ?? host;
}

function assertName(name: string): void {
  // Section 8.2.1: lower case, and a token (RFC 9110 section 5.6.2).
  if (!/^[!#$%&'*+\-.^_`|~0-9a-z]+$/.test(name)) refuse('has a field name that is not a token in lower case');
  if (CONNECTION_SPECIFIC.has(name)) refuse('has a field that belongs to HTTP/1.1 connections');
}

function assertValue(value: string): void {
  // oxlint-disable-next-line no-control-regex -- section 8.2.1 names them: NUL, LF, CR anywhere, space and tab at the ends
  if (/[\0\r\n]|^[ \t]|[ \t]$/.test(value)) refuse('has a field value with a line end, NUL or a space around it');
}

function refuse(reason: string): never {
  throw new WatchwordError('request_malformed', `The HTTP/2 request ${reason}`);
}
