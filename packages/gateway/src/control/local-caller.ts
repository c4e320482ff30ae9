/** Tells programs on this machine from web pages that use a browser on it. */
import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';

/**
 * Whether a request comes from this machine and not from a page in a browser: pages send `Origin` with every POST, and one that
 * has its own name point here (DNS rebinding) asks for that name.
 */
export function isLocalCaller({ socket, headers }: IncomingMessage): boolean {
  if (!isLoopback(socket.remoteAddress ?? '')) return false;
  if (headers.origin !== undefined || headers['sec-fetch-site'] !== undefined) return false;
  return isOwnName(headers.host ?? '');
}

function isLoopback(address: string): boolean {
  const plain = address.startsWith('::ffff:') ? address.slice(7) : address;
  return plain === '::1' || (isIP(plain) === 4 && plain.startsWith('127.'));
}

// An address can't be made to point elsewhere, a name can.
function isOwnName(host: string): boolean {
  const name = host.replace(/:\d*$/, '').toLowerCase();
  return name === 'localhost' || isIP(name.startsWith('[') ? name.slice(1, -1) : name) !== 0;
}
