/** The section `trustedProxies`: peers whose word about the client before them is believed (E5). */
import { isIP } from 'node:net';
import * as v from 'valibot';
import { list, text } from '../forms.ts';

/** The form of the section: IP addresses and CIDR blocks. */
export const trustedProxies: v.GenericSchema<string[], string[]> = list(
  v.pipe(
    text,
    v.check(isBlock, 'must be an IP address or a CIDR block such as 10.0.0.0/8'),
    v.metadata({ pattern: '^[0-9A-Fa-f:.]+(/[0-9]{1,3})?$' }),
  ),
);

// Everybody is nobody in particular: whoever connects could then say where from.
function isBlock(value: string): boolean {
  const [address = '', prefix, ...rest] = value.split('/');
  const family = isIP(address);
  if (family === 0 || address.includes('%') || rest.length > 0) return false;
  if (prefix === undefined) return true;
  return /^(?:[1-9]|[1-9][0-9]|1[0-2][0-9])$/.test(prefix) && Number(prefix) <= (family === 4 ? 32 : 128);
}
