/** The names and spellings of S22, for every front door. */

/** Twenty names that a backend may believe. */
export const NAMES: readonly string[] = [
  'txn-token',
  'x-watchword-subject',
  'x-watchword-scopes',
  'x-user',
  'x-user-id',
  'x-user-roles',
  'x-forwarded-user',
  'x-forwarded-email',
  'x-auth-request-user',
  'x-auth-request-email',
  'x-remote-user',
  'remote-user',
  'x-authenticated-user',
  'x-jwt-assertion',
  'x-jwt-claims',
  'x-client-cert',
  'x-ssl-client-verify',
  'x-amzn-oidc-identity',
  'x-endpoint-api-userinfo',
  'x-ms-client-principal-name',
];

/** Ways to spell a name that some backend takes for the same. */
export const VARIANTS: Readonly<Record<string, (name: string) => string>> = {
  'lower case': (name) => name,
  'upper case': (name) => name.toUpperCase(),
  'title case': (name) => name.replaceAll(/(^|-)([a-z])/g, (_, dash: string, letter: string) => dash + letter.toUpperCase()),
  'mixed case': (name) => [...name].map((letter, index) => (index % 2 ? letter.toUpperCase() : letter)).join(''),
  underscores: (name) => name.replaceAll('-', '_'),
  'one underscore': (name) => name.replace('-', '_'),
  'upper case underscores': (name) => name.replaceAll('-', '_').toUpperCase(),
  dots: (name) => name.replaceAll('-', '.'),
  'plus signs': (name) => name.replaceAll('-', '+'),
  tildes: (name) => name.replaceAll('-', '~'),
  'a space before the colon': (name) => `${name} `,
  'KELVIN SIGN or LONG S': (name) => name.replaceAll('k', '\u212a').replaceAll('s', '\u017f'),
};
