/** The trailer fields that go back to the client. */
import type { IncomingHttpHeaders } from 'node:http';
import { classifyHeader } from './classify.ts';
import { foldHeaderName } from './reserved.ts';

const NONE: readonly string[] = [];

/**
 * What a trailer section may not hold: fields about framing, routing, authentication, the handling of the answer and the form of
 * its content (RFC 9110 section 6.5.1). All of them were decided on when the header went out (D11).
 */
const HEADER_ONLY: ReadonlySet<string> = new Set([
  'age',
  'authentication-info',
  'cache-control',
  'cdn-cache-control',
  'clear-site-data',
  'content-disposition',
  'content-encoding',
  'content-language',
  'content-location',
  'content-range',
  'content-security-policy',
  'content-type',
  'cookie',
  'date',
  'expires',
  'location',
  'pragma',
  'proxy-authorization',
  'range',
  'retry-after',
  'set-cookie',
  'strict-transport-security',
  'surrogate-control',
  'upgrade',
  'vary',
  'via',
  'warning',
  'www-authenticate',
]);

/** Copies what may arrive after the body: `grpc-status`, checksums, timings. Nothing internal, nothing that belongs into a header. */
export function responseTrailers(upstream: IncomingHttpHeaders | null | undefined): readonly string[] {
  let fields: string[] | undefined;
  for (const name in upstream) {
    const value = upstream[name];
    if (value === undefined || !passes(name)) continue;
    fields ??= [];
    if (typeof value === 'string') fields.push(name, value);
    else for (const one of value) fields.push(name, one);
  }
  return fields ?? NONE;
}

function passes(name: string): boolean {
  const { treatment } = classifyHeader(name);
  if (treatment !== 'pass' || name.startsWith(':')) return false;
  const folded = foldHeaderName(name);
  return !HEADER_ONLY.has(folded) && !`${folded}-`.startsWith('x-watchword-') && !folded.startsWith('access-control-');
}
