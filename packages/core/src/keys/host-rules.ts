/** Which addresses a program may fetch keys from, so that no configured or discovered URL leads into a private network (C1). */
import { type BlockList, isIP } from 'node:net';
import { assertConfig } from '../errors.ts';
import { type IpAddress, blocks, isLoopback, isPublic, parseAddress } from './addresses.ts';

/** What a user lists. */
export interface HostRulesOptions {
  /** Host names, IP addresses and CIDR blocks beyond the public internet. */
  readonly allowHosts?: readonly string[];
  /** Accept `http:` and loopback. */
  readonly allowInsecure?: boolean;
}

/** The rules of one key source. */
export interface HostRules {
  /**
   * Checks what can be seen without resolving a name: scheme, credentials, and an address that stands in the URL itself.
   * @throws WatchwordError `config_invalid`
   */
  readUrl(text: unknown, place: string): URL;
  /** Whether a connection to this address may be opened for this URL. */
  permits(url: URL, address: string): boolean;
}

/** Builds the rules. @throws WatchwordError `config_invalid` */
export function createHostRules({ allowHosts = [], allowInsecure = false }: HostRulesOptions): HostRules {
  assertConfig(Array.isArray(allowHosts), 'allowHosts: must be a list');
  assertConfig(typeof allowInsecure === 'boolean', 'allowInsecure: must be true or false');
  const listed = readList(allowHosts);
  // http has no certificate, so nothing but the list says that this is the right place.
  const permitsAddress = (url: URL, address: IpAddress): boolean =>
    listed.addresses.check(address.text, address.family) ||
    (allowInsecure && isLoopback(address)) ||
    (url.protocol === 'https:' && isPublic(address));
  return {
    readUrl(text, place) {
      const url = typeof text === 'string' ? URL.parse(text) : null;
      assertConfig(url !== null, `${place}: must be an absolute URL`);
      assertConfig(
        url.protocol === 'https:' || (url.protocol === 'http:' && allowInsecure),
        `${place}: must be https (allowInsecure permits http)`,
      );
      assertConfig(url.username === '' && url.password === '', `${place}: must not contain credentials`);
      assertHost(url, permitsAddress, listed, place);
      return url;
    },
    permits(url, text) {
      const address = parseAddress(text);
      return listed.names.has(hostOf(url)) || (address !== undefined && permitsAddress(url, address));
    },
  };
}

interface Listed {
  /** As the URL parser writes them. */
  readonly names: ReadonlySet<string>;
  readonly addresses: BlockList;
  readonly hasAddresses: boolean;
}

function assertHost(url: URL, permits: (url: URL, address: IpAddress) => boolean, listed: Listed, place: string): void {
  const host = hostOf(url);
  const address = parseAddress(host);
  if (address !== undefined) {
    assertConfig(permits(url, address), `${place}: the address is not public (allowHosts permits it)`);
    return;
  }
  // What a name resolves to is checked when the connection is made; http needs a reason to hope.
  const isHopeful = url.protocol === 'https:' || isLocalName(host) || listed.names.has(host) || listed.hasAddresses;
  assertConfig(isHopeful, `${place}: http only to loopback or to allowHosts`);
}

// RFC 6761 section 6.3.
function isLocalName(host: string): boolean {
  return host === 'localhost' || host.endsWith('.localhost');
}

function hostOf(url: URL): string {
  return url.hostname.replace(/^\[|\]$/g, '').replace(/\.$/, '');
}

function readList(entries: readonly unknown[]): Listed {
  const names = new Set<string>();
  const cidrs: string[] = [];
  for (const [index, entry] of entries.entries()) {
    const place = `allowHosts[${index}]`;
    assertConfig(typeof entry === 'string', `${place}: must be text`);
    const cidr = asBlock(entry, place);
    if (cidr === undefined) names.add(asName(entry, place));
    else cidrs.push(cidr);
  }
  return { names, addresses: blocks(...cidrs), hasAddresses: cidrs.length > 0 };
}

function asBlock(entry: string, place: string): string | undefined {
  const [network = '', prefix, ...rest] = entry.replace(/^\[(.*)\]$/, '$1').split('/');
  const family = isIP(network);
  if (family === 0) return undefined;
  const bits = family === 4 ? 32 : 128;
  const good = prefix === undefined || (/^(0|[1-9]\d{0,2})$/.test(prefix) && Number(prefix) <= bits);
  assertConfig(
    good && rest.length === 0 && !network.includes('%'),
    `${place}: must be a host name, an IP address or a CIDR block`,
  );
  return prefix === undefined ? single(parseAddress(network)!) : `${network}/${prefix}`;
}

function single({ text, family }: IpAddress): string {
  return `${text}/${family === 'ipv4' ? 32 : 128}`;
}

function asName(entry: string, place: string): string {
  const good = /^[a-z0-9_-]+(\.[a-z0-9_-]+)*$/i.test(entry);
  const url = good ? URL.parse(`https://${entry}`) : null;
  // The URL parser takes 10 and 0x7f.1 for addresses: as a name they would never match anything.
  assertConfig(url !== null && isIP(url.hostname) === 0, `${place}: must be a host name, an IP address or a CIDR block`);
  return url.hostname;
}
