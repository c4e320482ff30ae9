/** What the tokens say: a realistic access token of a shop (RFC 9068), about 1 KB when it is signed. */
import { randomUUID } from 'node:crypto';

/** The issuer that all contenders trust. */
export const ISSUER = 'https://login.example.com/realms/shop';
/** The service that the tokens are for. */
export const AUDIENCE = 'https://orders.example.com';

/** Validity: longer than the longest run. */
const LIFETIME_SECONDS = 3 * 3600;

const SCOPE = 'openid profile email orders.read orders.write';
const ROLES = [
  'customer',
  'customer-premium',
  'newsletter-subscriber',
  'reviewer',
  'beta-tester',
  'loyalty-programme-gold',
  'click-and-collect',
  'invoice-recipient',
  'offline_access',
  'uma_authorization',
  'default-roles-shop',
];

/** The claims of one user. `changes` replace some of them. */
export function createClaims(subject: string, changes: Readonly<Record<string, unknown>> = {}): Record<string, unknown> {
  const now = Math.floor(Date.now() / 1000);
  return {
    iss: ISSUER,
    aud: AUDIENCE,
    sub: subject,
    client_id: 'shop-web-frontend',
    iat: now,
    exp: now + LIFETIME_SECONDS,
    jti: randomUUID(),
    sid: randomUUID(),
    name: 'Alexandra Winterbottom',
    email: 'alexandra.winterbottom@example.com',
    scope: SCOPE,
    roles: ROLES,
    ...changes,
  };
}
