/** Random tokens, policies and moments for the comparison with another implementation. */
import * as fc from 'fast-check';
import type { AlgorithmName } from '../../src/keys/algorithms.ts';
import { type TestKey, publicPem, secretKey, testKey } from './keys.ts';
import { AUDIENCE, ISSUER, NOW, segment } from './tokens.ts';

/** What both implementations are told. Times in whole seconds, one token type: the options that both have. */
export interface CasePolicy {
  readonly keys: readonly TestKey[];
  readonly algorithms: readonly AlgorithmName[];
  readonly audience: readonly string[];
  readonly toleranceSeconds: number;
  readonly maxTokenAgeSeconds: number | undefined;
  readonly requiredClaims: readonly string[];
  readonly tokenType: string;
}

export interface TokenCase {
  readonly policy: CasePolicy;
  readonly token: string;
  readonly nowMs: number;
}

const RSA = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'] as const;
const CURVES = ['ES256', 'ES384', 'ES512', 'Ed25519', 'EdDSA'] as const;
/** One RSA pair serves six algorithms, and key ids repeat between algorithms: what confusion lives on. */
const PUBLIC_KEYS: readonly TestKey[] = [
  ...[...RSA, ...CURVES].map((alg) => testKey(alg, 'k1')),
  testKey('RS256', 'k2'),
  testKey('ES256', 'k2'),
  testKey('ES256', 'k3'),
];
const SECRETS: readonly TestKey[] = (['HS256', 'HS384', 'HS512'] as const).flatMap((alg) => [
  testKey(alg, 'k1'),
  testKey(alg, 'k2'),
]);

const policies = fc.boolean().chain((isPublic) => {
  const pool = isPublic ? PUBLIC_KEYS : SECRETS;
  return fc.record({
    keys: fc.oneof(
      { weight: 3, arbitrary: fc.constant(pool) },
      { weight: 1, arbitrary: fc.subarray([...pool], { minLength: 1 }) },
    ),
    algorithms: fc.oneof(
      { weight: 4, arbitrary: fc.constant([...new Set(pool.map((key) => key.alg))]) },
      { weight: 1, arbitrary: fc.subarray([...new Set(pool.map((key) => key.alg))], { minLength: 1 }) },
    ),
    audience: fc.constantFrom([AUDIENCE], [AUDIENCE, 'https://other.example'], ['https://other.example']),
    toleranceSeconds: fc.constantFrom(0, 0, 5, 60),
    maxTokenAgeSeconds: fc.constantFrom(undefined, undefined, 60, 600),
    requiredClaims: fc.constantFrom([], ['sub'], ['jti'], ['custom', 'sub']),
    tokenType: fc.constantFrom('at+jwt', 'at+jwt', 'application/at+jwt', 'JWT', 'AT+JWT'),
  });
});

type Change = (members: Record<string, unknown>) => void;

const set =
  (name: string, value: unknown): Change =>
  (members) => {
    if (value === undefined) delete members[name];
    else members[name] = value;
  };

const ODD = [
  undefined,
  null,
  true,
  false,
  0,
  -1,
  1.5,
  NOW,
  String(NOW),
  '',
  'x',
  ISSUER,
  [],
  [ISSUER],
  [AUDIENCE, 7],
  {},
  { a: 1 },
  8.64e12,
  9e15,
  -8.64e12,
];

const claimChanges: fc.Arbitrary<Change> = fc.oneof(
  fc.constantFrom('iss', 'aud', 'sub', 'exp', 'nbf', 'iat', 'jti', 'custom').map((name) => set(name, undefined)),
  fc
    .tuple(fc.constantFrom('exp', 'nbf', 'iat'), fc.integer({ min: -700, max: 700 }))
    .map(([name, offset]) => set(name, NOW + offset)),
  fc
    .tuple(fc.constantFrom('exp', 'nbf', 'iat'), fc.double({ min: -70, max: 70, noNaN: true }))
    .map(([name, offset]) => set(name, NOW + offset)),
  fc
    .tuple(fc.constantFrom('iss', 'aud', 'sub', 'exp', 'nbf', 'iat', 'jti', 'scope', 'cnf', 'custom'), fc.constantFrom(...ODD))
    .map(([name, value]) => set(name, value)),
  fc.tuple(fc.string(), fc.jsonValue()).map(([name, value]) => set(name, value)),
  fc.constantFrom(`${ISSUER}/`, ISSUER.toUpperCase(), `${ISSUER}\0`, ` ${ISSUER}`).map((value) => set('iss', value)),
  fc
    .constantFrom([AUDIENCE], ['x', AUDIENCE], `${AUDIENCE}/`, AUDIENCE.slice(0, -1), [[AUDIENCE]], `x ${AUDIENCE}`)
    .map((value) => set('aud', value)),
);

const headerChanges: fc.Arbitrary<Change> = fc.oneof(
  fc
    .constantFrom(
      'none',
      'None',
      'NONE',
      '',
      'HS256',
      'RS256',
      'PS256',
      'ES256',
      'ES384',
      'EdDSA',
      'Ed25519',
      'rs256',
      'RS256 ',
      'constructor',
      '__proto__',
      null,
      7,
      ['RS256'],
    )
    .map((alg) => set('alg', alg)),
  fc
    .constantFrom(undefined, 'k1', 'k2', 'k3', 'k9', '', 'K1', 'k1 ', '__proto__', null, 1, ['k1'], 'k'.repeat(300))
    .map((kid) => set('kid', kid)),
  fc
    .constantFrom(
      undefined,
      'at+jwt',
      'AT+JWT',
      'application/at+jwt',
      'Application/AT+JWT',
      'JWT',
      'jwt',
      'logout+jwt',
      'application/application/at+jwt',
      '',
      null,
      1,
    )
    .map((typ) => set('typ', typ)),
  fc.constantFrom(['b64'], [], ['exp'], 'b64', ['b64', 'b64'], null).map((crit) => set('crit', crit)),
  fc.constantFrom(true, false, null).map((b64) => set('b64', b64)),
  fc.constant<Change>((members) => Object.assign(members, { crit: ['b64'], b64: true })),
  fc
    .tuple(fc.constantFrom('jwk', 'x5c', 'jku', 'x5u', 'zip', 'cty', 'custom'), fc.jsonValue())
    .map(([name, value]) => set(name, value)),
);

/** Whole texts in place of a tidy JSON object. */
const textChanges: fc.Arbitrary<(text: string) => string | Buffer> = fc.constantFrom<((text: string) => string | Buffer)[]>(
  (text) => `\ufeff${text}`,
  (text) => ` \n${text}\t `,
  (text) => `${text.slice(0, -1)},"custom":1,"custom":2}`,
  (text) => `${text.slice(0, -1)},"deep":{"a":1,"a":1}}`,
  (text) => `${text.slice(0, -1)},"__proto__":{"sub":"intruder"}}`,
  (text) => `${text.slice(0, -1)},"custom":"\\ud800"}`,
  (text) => `${text.slice(0, -1)},"custom":1e400}`,
  (text) => `${text.slice(0, -1)},"exp":1e400}`,
  (text) => `${text.slice(0, -1)},"deep":${'['.repeat(80)}${']'.repeat(80)}}`,
  (text) => `${text.slice(0, -1)},"large":"${'x'.repeat(8000)}"}`,
  (text) => Buffer.concat([Buffer.from(`${text.slice(0, -1)},"custom":"`), Buffer.from([0xff]), Buffer.from('"}')]),
  (text) => `[${text}]`,
  (text) => text.slice(0, -1),
  (text) => `${text}}`,
  () => 'null',
  () => '"text"',
  () => '7',
  () => '',
);

type Mutation = (token: string, at: number) => string;

const mutations: fc.Arbitrary<Mutation> = fc.oneof(
  ...[
    (token: string, at: number) => flip(token, at % token.length, 1 << (at % 6)),
    (token: string, at: number) => flip(token, token.length - 1, 1 << (at % 6)),
    (token: string, at: number) => insert(token, at, [' ', '\n', '\t', '\r\n', '=', '.', '\0', '\u00a0'][at % 8]!),
    (token: string) => `${token}=`,
    (token: string) => `${token}\n`,
    (token: string) => ` ${token}`,
    (token: string) => token.replaceAll('-', '+').replaceAll('_', '/'),
    (token: string, at: number) =>
      token
        .split('.')
        .toSpliced(at % 3, 1)
        .join('.'),
    (token: string, at: number) =>
      token
        .split('.')
        .map((part, index) => (index === at % 3 ? '' : part))
        .join('.'),
    (token: string) => `${token}.`,
    (token: string) => token.split('.').toReversed().join('.'),
    (token: string, at: number) => token.slice(0, at % token.length),
    (token: string, at: number) =>
      replaceAt(token, at % token.length, String.fromCharCode(token.charCodeAt(at % token.length) + 0x100)),
    (token: string) =>
      token
        .split('.')
        .map((part) => `${part}${'='.repeat((4 - (part.length % 4)) % 4)}`)
        .join('.'),
  ].map((mutation) => fc.constant<Mutation>(mutation)),
  headerChanges.map<Mutation>((change) => (token) => edit(token, 0, change)),
  claimChanges.map<Mutation>((change) => (token) => edit(token, 1, change)),
);

const replaceAt = (token: string, at: number, text: string): string => token.slice(0, at) + text + token.slice(at + 1);
const insert = (token: string, at: number, text: string): string =>
  token.slice(0, at % token.length) + text + token.slice(at % token.length);
const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';

// Another character of the alphabet, one bit away: it decodes, so that the bit reaches the bytes.
function flip(token: string, at: number, bit: number): string {
  const index = ALPHABET.indexOf(token[at] ?? '');
  return index < 0 ? token : replaceAt(token, at, ALPHABET[index ^ bit]!);
}

// Edits one segment after signing.
function edit(token: string, place: number, change: Change): string {
  const parts = token.split('.');
  try {
    const members = JSON.parse(Buffer.from(parts[place]!, 'base64url').toString()) as Record<string, unknown>;
    change(members);
    return parts.map((part, index) => (index === place ? segment(members) : part)).join('.');
  } catch {
    return token;
  }
}

// What signs: mostly the key that the header names; sometimes a public key taken for a secret (A2).
function signerOf(key: TestKey, isConfused: boolean): TestKey {
  return isConfused && key.publicKey !== undefined ? secretKey('HS256', key.kid, Buffer.from(publicPem(key))) : key;
}

const few = <Item>(arbitrary: fc.Arbitrary<Item>, most: number): fc.Arbitrary<Item[]> =>
  fc.oneof(
    { weight: 2, arbitrary: fc.constant<Item[]>([]) },
    { weight: 1, arbitrary: fc.array(arbitrary, { minLength: 1, maxLength: most }) },
  );

/** Random cases; the more interesting ones shrink to the fewest changes. */
export const tokenCases: fc.Arbitrary<TokenCase> = fc
  .record({
    policy: policies,
    key: fc.nat(),
    isConfused: fc.constantFrom(...Array<boolean>(19).fill(false), true),
    claimChanges: few(claimChanges, 3),
    headerChanges: few(headerChanges, 2),
    textChanges: few(fc.tuple(fc.constantFrom(0, 1), textChanges), 1),
    mutations: few(fc.tuple(mutations, fc.nat({ max: 2000 })), 2),
    moment: fc.oneof(fc.constant(NOW), fc.constantFrom('exp', 'nbf', 'iat')),
    offsetSeconds: fc.constantFrom(0, 1, -1, 5, -5, 60, -60, 65, -65, 600, 605),
    offsetMs: fc.constantFrom(0, 0, 1, -1, 999, 0.5),
  })
  .map(({ policy, key: index, isConfused, moment, offsetSeconds, offsetMs, ...changes }) => {
    const key = signerOf(policy.keys[index % policy.keys.length]!, isConfused);
    const header: Record<string, unknown> = { alg: key.alg, typ: policy.tokenType, kid: key.kid };
    const claims: Record<string, unknown> = {
      iss: ISSUER,
      aud: policy.audience[0],
      sub: 'user',
      jti: 'id',
      custom: 1,
      iat: NOW - 10,
      nbf: NOW - 10,
      exp: NOW + 300,
    };
    for (const change of changes.headerChanges) change(header);
    for (const change of changes.claimChanges) change(claims);
    const texts: (string | Buffer)[] = [JSON.stringify(header), JSON.stringify(claims)];
    for (const [place, change] of changes.textChanges) texts[place] = change(texts[place] as string);
    const input = texts.map(segment).join('.');
    let token = `${input}.${key.sign(input).toString('base64url')}`;
    for (const [mutation, at] of changes.mutations) token = mutation(token, at);
    return { policy, token, nowMs: momentOf(claims, moment, offsetSeconds * 1000 + offsetMs) };
  });

function momentOf(claims: Record<string, unknown>, moment: number | string, offsetMs: number): number {
  const seconds = typeof moment === 'number' ? moment : claims[moment];
  const base = typeof seconds === 'number' && Math.abs(seconds - NOW) < 1e6 ? seconds : NOW;
  const nowMs = base * 1000 + (base === NOW ? Math.sign(offsetMs) : offsetMs);
  // The other implementation cuts its clock to whole seconds. With fractional claims that is not the same moment, so cut both.
  const isWhole = ['exp', 'nbf', 'iat'].every((name) => typeof claims[name] !== 'number' || Number.isInteger(claims[name]));
  return isWhole ? nowMs : Math.floor(nowMs / 1000) * 1000;
}
