/** What the upstream is told about the way of a request: who asked, over what, for which host (E5). */
import { isIP, isIPv6 } from 'node:net';
import { isCanonicalHost } from '../routing/canonical-host.ts';
import { plainAddress } from './trusted-peers.ts';

/** What the edge itself has seen. */
export interface Hop {
  readonly peer: string;
  readonly scheme: 'http' | 'https';
  /** The Host field, as received. */
  readonly host: string;
}

/** Values of a field by its lower-case name, as a trusted proxy sent them. */
export type FieldValues = (name: string) => readonly string[];

/**
 * The fields for the upstream: name, value, name, value, ... From a peer that is not trusted nothing is taken over, so they say
 * what the edge saw. Of a trusted one the chain of addresses goes on, and scheme and host are those that it saw; a value that has
 * no such form counts as none. No decision looks at any of them.
 * @param told undefined: the peer is not trusted
 */
export function forwardingFields(hop: Hop, told: FieldValues | undefined): string[] {
  const peer = plainAddress(hop.peer);
  if (told === undefined) return threeFields(peer, hop.scheme, hop.host);
  const chain = chainOf(told('x-forwarded-for'));
  const scheme = only(told('x-forwarded-proto'), isScheme) ?? hop.scheme;
  const host = only(told('x-forwarded-host'), isHost) ?? hop.host;
  const fields = threeFields(chain === undefined ? peer : `${chain}, ${peer}`, scheme, host);
  const forwarded = elementsOf(told('forwarded'));
  if (forwarded !== undefined) fields.push('forwarded', `${forwarded}, ${elementFor(peer, hop)}`);
  return fields;
}

/**
 * Whom to put down what a request uses up to: the peer, or whom a trusted one names last. Of IPv6 the network of 64 bits, which is
 * what one client has.
 */
export function clientOf(peer: string, told: FieldValues | undefined): string {
  const named = told && chainOf(told('x-forwarded-for'))?.split(', ').at(-1);
  const address = plainAddress(bareAddress(named ?? peer));
  return isIPv6(address) ? expanded(address).slice(0, 4).join(':') : address;
}

// The groups before `::` and after it, with zeros between them.
function expanded(address: string): string[] {
  const [head = '', tail] = address.split('::');
  const before = head === '' ? [] : head.split(':');
  const after = tail === undefined || tail === '' ? [] : tail.split(':');
  return [...before, ...Array.from({ length: Math.max(0, 8 - before.length - after.length) }, () => '0'), ...after];
}

function threeFields(chain: string, scheme: string, host: string): string[] {
  return ['x-forwarded-for', chain, 'x-forwarded-proto', scheme, 'x-forwarded-host', host];
}

// Several fields are one list (RFC 9110 section 5.3). One entry that is no address makes the whole chain worthless.
function chainOf(values: readonly string[]): string | undefined {
  const entries = values.flatMap((value) => value.split(',')).map((entry) => entry.trim());
  return entries.length > 0 && entries.every(isNode) ? entries.join(', ') : undefined;
}

// An address, with a port where some proxies write one, or the word for "not known" (RFC 7239 section 6).
function isNode(entry: string): boolean {
  const bare = bareAddress(entry);
  return isIP(bare) !== 0 || bare === 'unknown';
}

function bareAddress(entry: string): string {
  return /^\[([^\]]+)\](?::\d{1,5})?$/.exec(entry)?.[1] ?? /^([^:]+):\d{1,5}$/.exec(entry)?.[1] ?? entry;
}

// Said twice is said by somebody before our proxy, too: which of both is true nobody knows.
function only(values: readonly string[], isGood: (value: string) => boolean): string | undefined {
  const [value] = values;
  return values.length === 1 && value !== undefined && isGood(value) ? value : undefined;
}

function isScheme(value: string): boolean {
  return value === 'http' || value === 'https';
}

function isHost(value: string): boolean {
  return value.length <= 261 && isCanonicalHost(value.toLowerCase().replace(/:\d{1,5}$/, ''));
}

// RFC 7239 section 4: pairs of token and value, separated by ; and , . Anything else is not passed on.
const PAIR = /[!#$%&'*+.^_`|~0-9A-Za-z-]+=(?:[!#$%&'*+.^_`|~0-9A-Za-z-]+|"[^"\\]*")/.source;
const ELEMENTS = new RegExp(`^${PAIR}(?: ?[;,] ?${PAIR})*$`);

function elementsOf(values: readonly string[]): string | undefined {
  const joined = values.join(', ');
  return values.length > 0 && ELEMENTS.test(joined) ? joined : undefined;
}

function elementFor(peer: string, { scheme, host }: Hop): string {
  const node = isIPv6(peer) ? `"[${peer}]"` : peer;
  return `for=${node};proto=${scheme};host="${host}"`;
}
