/** Which peers are proxies of ours. */
import { BlockList, isIPv6 } from 'node:net';

/** Whether the word of the peer with this address is believed. */
export type IsTrusted = (peer: string) => boolean;

/** @param blocks IP addresses and CIDR blocks, as the configuration has them */
export function createTrustedPeers(blocks: readonly string[] = []): IsTrusted {
  if (blocks.length === 0) return () => false;
  const trusted = new BlockList();
  for (const block of blocks) {
    const [address = '', prefix] = block.split('/');
    const family = isIPv6(address) ? 'ipv6' : 'ipv4';
    if (prefix === undefined) trusted.addAddress(address, family);
    else trusted.addSubnet(address, Number(prefix), family);
  }
  return (peer) => {
    const plain = plainAddress(peer);
    return trusted.check(plain, isIPv6(plain) ? 'ipv6' : 'ipv4');
  };
}

/** An address of IPv4 as such, also where a socket for both families shows it as one of IPv6. */
export function plainAddress(peer: string): string {
  return peer.startsWith('::') && peer.toLowerCase().startsWith('::ffff:') && peer.includes('.') ? peer.slice(7) : peer;
}
