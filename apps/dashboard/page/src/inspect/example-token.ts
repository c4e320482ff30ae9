/** A token to look at: made up, and signed by nobody. */

/** Characters of an RS256 signature with a key of 2048 bits. */
const SIGNATURE_LENGTH = 342;

/** The kind of token that an identity provider gives out when nobody has looked at its size. */
export function exampleToken(): string {
  const header = { alg: 'RS256', typ: 'at+jwt', kid: 'example-key-2048' };
  const groups = ['orders-read', 'orders-write', 'invoices-read', 'stock-read', 'reports-read', 'support-tier-2'];
  const payload = {
    iss: 'https://login.example.com/tenants/shop',
    sub: 'user-1',
    aud: ['https://api.example.com', 'https://reports.example.com'],
    client_id: 'web-shop',
    iat: 1_800_000_000,
    exp: 1_800_000_900,
    jti: '2f1c0a5e-7d64-4c1b-9a51-0d6f0c1b7e55',
    scope: 'orders.read orders.write profile',
    sid: '6b2f9d1e-3f7a-4f8e-8f43-5b1f2d9c7a10',
    name: 'Example User',
    email: 'user-1@example.com',
    picture: 'https://cdn.example.com/avatars/2f1c0a5e7d644c1b9a510d6f0c1b7e55/256.png',
    tenant: 'shop-eu-1',
    level: 3,
    locale: 'en-GB',
    groups: groups.map((name) => `cn=${name},ou=groups,dc=example,dc=com`),
    features: { checkout: 'b', search: 'control', banner: 'a', recommendations: 'v3' },
  };
  return `${encode(header)}.${encode(payload)}.${'A'.repeat(SIGNATURE_LENGTH)}`;
}

function encode(value: object): string {
  return btoa(JSON.stringify(value)).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
}
