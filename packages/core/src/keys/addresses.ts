/** Which IP addresses belong to the public internet (IANA special-purpose registries, RFC 6890), whatever their spelling (C1). */
import { BlockList, isIP } from 'node:net';

/** The form to compare: IPv4 inside of IPv6 is taken out; undefined: no address, or one with a zone. */
export interface IpAddress {
  readonly text: string;
  readonly family: 'ipv4' | 'ipv6';
}

/** Reads an address as a resolver or a URL writes it. */
export function parseAddress(text: string): IpAddress | undefined {
  const family = isIP(text);
  if (family === 4) return { text, family: 'ipv4' };
  // A zone names an interface of this machine: such an address is never public.
  if (family !== 6 || text.includes('%')) return undefined;
  return embeddedIpv4(text) ?? { text, family: 'ipv6' };
}

/** Whether anybody on the internet could have this address. */
export function isPublic({ text, family }: IpAddress): boolean {
  if (family === 'ipv4') return !SPECIAL.check(text, 'ipv4');
  return GLOBAL_UNICAST.check(text, 'ipv6') && !SPECIAL.check(text, 'ipv6');
}

/** Whether it is this machine. */
export function isLoopback({ text, family }: IpAddress): boolean {
  return LOOPBACK.check(text, family);
}

/** A list of blocks in CIDR notation. */
export function blocks(...cidrs: readonly string[]): BlockList {
  const list = new BlockList();
  for (const cidr of cidrs) {
    const [network = '', prefix] = cidr.split('/');
    list.addSubnet(network, Number(prefix), isIP(network) === 6 ? 'ipv6' : 'ipv4');
  }
  return list;
}

const LOOPBACK = blocks('127.0.0.0/8', '::1/128');

// Of IPv6 only this block is handed out; unique local, link-local, multicast and the rest lie outside.
const GLOBAL_UNICAST = blocks('2000::/3');

const SPECIAL = blocks(
  '0.0.0.0/8',
  '10.0.0.0/8',
  // Shared by carriers; 100.100.100.200 is a metadata service.
  '100.64.0.0/10',
  '127.0.0.0/8',
  // 169.254.169.254 is the metadata service of most clouds.
  '169.254.0.0/16',
  // Of Azure's hosts, though it lies in public space.
  '168.63.129.16/32',
  '172.16.0.0/12',
  '192.0.0.0/24',
  '192.0.2.0/24',
  '192.88.99.0/24',
  '192.168.0.0/16',
  '198.18.0.0/15',
  '198.51.100.0/24',
  '203.0.113.0/24',
  '224.0.0.0/4',
  '240.0.0.0/4',
  // Teredo and other protocol blocks, documentation, 6to4: some carry an IPv4 address inside.
  '2001::/23',
  '2001:db8::/32',
  '2002::/16',
  '3fff::/20',
);

const MAPPED = [0, 0, 0, 0, 0, 0xffff];
const NAT64 = [0x64, 0xff9b, 0, 0, 0, 0];

// ::ffff:a.b.c.d is the same socket as a.b.c.d (RFC 4291 section 2.5.5.2), and 64:ff9b::/96 leads to it (RFC 6052).
function embeddedIpv4(text: string): IpAddress | undefined {
  const groups = groupsOf(text);
  const hasPrefix = (prefix: readonly number[]): boolean => prefix.every((group, index) => groups[index] === group);
  if (!hasPrefix(MAPPED) && !hasPrefix(NAT64)) return undefined;
  const [high = 0, low = 0] = groups.slice(6);
  return { text: [high >> 8, high & 255, low >> 8, low & 255].join('.'), family: 'ipv4' };
}

function groupsOf(text: string): readonly number[] {
  // The URL parser writes every spelling in one way: hexadecimal groups with at most one "::".
  const canonical = new URL(`http://[${text}]`).hostname.slice(1, -1);
  const [head = '', tail] = canonical.split('::');
  const before = parseGroups(head);
  const after = parseGroups(tail ?? '');
  return [...before, ...Array<number>(8 - before.length - after.length).fill(0), ...after];
}

function parseGroups(text: string): readonly number[] {
  return text === '' ? [] : text.split(':').map((group) => Number.parseInt(group, 16));
}
