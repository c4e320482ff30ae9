/** Tells the proxies that may ask for decisions from everybody else (E5). */
import { BlockList, isIP } from 'node:net';

/** Whether an address is one of them. */
export type IsTrustedPeer = (address: string | undefined) => boolean;

/** Compiles addresses and CIDR blocks, checked with the configuration. */
export function createTrustedPeers(blocks: readonly string[]): IsTrustedPeer {
  const trusted = new BlockList();
  for (const block of blocks) {
    const [address, prefix] = block.split('/') as [string, string | undefined];
    const family = familyOf(address);
    if (prefix === undefined) trusted.addAddress(address, family);
    else trusted.addSubnet(address, Number(prefix), family);
  }
  return (address) => {
    if (address === undefined || isIP(address) === 0) return false;
    // What a socket for both families says of an IPv4 peer.
    const plain = address.toLowerCase().startsWith('::ffff:') && address.includes('.') ? address.slice(7) : address;
    return trusted.check(plain, familyOf(plain));
  };
}

function familyOf(address: string): 'ipv4' | 'ipv6' {
  return isIP(address) === 4 ? 'ipv4' : 'ipv6';
}
