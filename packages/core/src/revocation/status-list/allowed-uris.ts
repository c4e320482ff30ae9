/** Which addresses a status list may be fetched from: a claim of a token never leads anywhere else (C1). */
import { assertConfig } from '../../errors.ts';
import type { HostRules } from '../../keys/host-rules.ts';
import { MAX_URI_LENGTH } from './status-claim.ts';

/** Answers for one address, as it stands in a token. */
export type UriFilter = (uri: string) => boolean;

/**
 * Reads an allow-list. An entry that ends in `/`, or is an origin, stands for everything below it; any other one for itself.
 * @throws WatchwordError `config_invalid`
 */
export function allowUris(uris: unknown, hosts: HostRules, place: string): UriFilter {
  assertConfig(Array.isArray(uris) && uris.length > 0, `${place}: is required and must not be empty`);
  const entries = uris.map((uri: unknown, index) => readEntry(uri, hosts, `${place}[${index}]`));
  const exact = new Set(entries.filter((entry) => !entry.endsWith('/')));
  const folders = entries.filter((entry) => entry.endsWith('/'));
  return (uri) => exact.has(uri) || (folders.some((folder) => uri.startsWith(folder)) && isPlain(uri));
}

function readEntry(entry: unknown, hosts: HostRules, place: string): string {
  const { href, origin, hash } = hosts.readUrl(entry, place);
  assertConfig(hash === '' && !href.endsWith('#'), `${place}: must not have a fragment`);
  assertConfig(href.length <= MAX_URI_LENGTH, `${place}: must have at most ${MAX_URI_LENGTH} characters`);
  // Compared as text with what stands in tokens, so there must be one spelling.
  assertConfig(entry === href || entry === origin, `${place}: must be written as ${href}`);
  return href;
}

// The start of a URL binds only where the parser changes nothing: no dot segments, no other spelling of host or path. Encoded
// slashes are left out because servers disagree on them.
function isPlain(uri: string): boolean {
  return URL.parse(uri)?.href === uri && !uri.includes('#') && !/%(2f|5c|2e|00)/i.test(uri);
}
