/** One spelling for the host that a request is for: lower case, without port (E8). */
import { isIPv6 } from 'node:net';
import { WatchwordError } from '@watchword/core';

// Hosts are few in practice and chosen by strangers in the worst case, so the memory of them is bounded.
const REMEMBERED_HOSTS = 256;
const known = new Map<string, string>();

/**
 * Reads a Host field (RFC 9110 section 7.2: uri-host [ ":" port ]).
 * @throws WatchwordError `request_malformed`
 */
export function canonicalHost(field: string): string {
  const remembered = known.get(field);
  if (remembered !== undefined) return remembered;
  const host = parseHost(field);
  if (known.size < REMEMBERED_HOSTS) known.set(field, host);
  return host;
}

/** Whether a configured host is in the form that {@link canonicalHost} gives. */
export function isCanonicalHost(host: string): boolean {
  return isName(host) || isBracketed(host);
}

function parseHost(field: string): string {
  if (field.length > 255 + 6) refuse();
  // The last colon starts the port, unless it is inside the brackets of an IPv6 address.
  const colon = field.indexOf(':', field.startsWith('[') ? Math.max(field.indexOf(']'), 0) : 0);
  const host = (colon < 0 ? field : field.slice(0, colon)).toLowerCase();
  if (colon >= 0 && !isPort(field.slice(colon + 1))) refuse();
  // `toLowerCase` maps U+212A to `k`; the check below sees only what is ASCII before it.
  if (!/^[\x21-\x7e]+$/.test(field) || !isCanonicalHost(host)) refuse();
  return host;
}

// Letters, digits, hyphens and, because real internal names have them, underscores. No empty label, no trailing dot: both are
// other spellings of a name.
function isName(host: string): boolean {
  return host.length <= 253 && /^[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?)*$/.test(host);
}

function isBracketed(host: string): boolean {
  return host.startsWith('[') && host.endsWith(']') && isIPv6(host.slice(1, -1)) && !host.includes('%');
}

function isPort(text: string): boolean {
  return /^[0-9]{1,5}$/.test(text) && Number(text) <= 65_535;
}

function refuse(): never {
  throw new WatchwordError('request_malformed', 'The Host field is not a host with an optional port');
}
