/** The people of the example: who they are, and what their tokens say about them. */
import { createHash } from 'node:crypto';

/** One user: a client of the identity provider that obtains tokens for itself. */
export interface User {
  /** The subject of the user's tokens. */
  readonly id: string;
  readonly secret: string;
}

/** The user whose tokens live for one second only. */
export const HASTY_USER = 'user-hasty';
/** The user of the `curl` lines. */
export const VISITOR = 'user-visitor';
/** What the users may do in this shop. */
export const SCOPES = 'orders.read prices.read stock.read';
/** The audience of their tokens: this system. */
export const AUDIENCE = 'https://shop.example';

/** `count` users and the two that the `curl` lines need. */
export function createUsers(count: number): User[] {
  const numbered = Array.from({ length: count }, (_, index) => `user-${String(index + 1).padStart(4, '0')}`);
  return [VISITOR, HASTY_USER, ...numbered].map((id) => ({ id, secret: digest(`secret of ${id}`) }));
}

/** What a real provider puts into a token beside the registered claims: it makes them 1 to 1.5 KB. */
export function claimsOf(id: string): Record<string, unknown> {
  const pick = (name: string, choices: readonly string[]): string => choices[digest(name + id).charCodeAt(0) % choices.length]!;
  return {
    tenant: pick('tenant', ['northwind-traders', 'contoso-retail', 'fabrikam-logistics']),
    email: `${id}@shop.example`,
    email_verified: true,
    preferred_username: id,
    roles: ['customer', 'newsletter-subscriber', pick('role', ['purchasing-manager', 'warehouse-operator', 'finance-approver'])],
    groups: ['employees', pick('group', ['emea-sales', 'apac-sales', 'amer-sales']), 'vpn-users', 'benefits-enrolled'],
    permissions: [
      'orders:read',
      'orders:create',
      'orders:cancel',
      'prices:read',
      'stock:read',
      'invoices:read',
      'returns:create',
    ],
    org_unit: { id: digest(`unit of ${id}`), cost_center: pick('cost', ['CC-1042', 'CC-2210', 'CC-3377']), region: 'eu-central' },
  };
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('base64url');
}
