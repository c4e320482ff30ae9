/** Tokens, good and hostile, put together by hand. */
import { createVerifier } from '../../src/verify/create-verifier.ts';
import { createLocalKeys } from '../../src/keys/local-keys.ts';
import type { IssuerPolicy } from '../../src/verify/policy.ts';
import type { VerifiedToken } from '../../src/verify/verified-token.ts';
import type { Verifier } from '../../src/verify/verifier.ts';
import { type TestKey, testKey } from './keys.ts';

export const ISSUER = 'https://issuer.example';
export const AUDIENCE = 'https://api.example';
/** The moment at which all tests happen, in Unix seconds. */
export const NOW = 1_800_000_000;
export const clock = (): number => NOW * 1000;

/** Any members, also wrong ones. `undefined` leaves a member out. */
export type Members = Readonly<Record<string, unknown>>;

/** An access token's claims (RFC 9068), valid at {@link NOW}. */
export function accessClaims(changes: Members = {}): Members {
  return {
    iss: ISSUER,
    aud: AUDIENCE,
    sub: 'user-1',
    client_id: 'client-1',
    iat: NOW - 10,
    exp: NOW + 300,
    jti: 'token-1',
    scope: 'read write',
    ...changes,
  };
}

/** What goes into a token. Text and bytes are taken as they are, everything else as JSON. */
export interface Parts {
  /** Members added to `alg`, `typ` and `kid`; or the whole header as text or bytes. */
  readonly header?: Members | string | Buffer;
  readonly payload?: unknown;
  /** Instead of the right one. */
  readonly signature?: Uint8Array;
}

/** A signed compact token. */
export function makeToken(key: TestKey, parts: Parts = {}): string {
  const { header = {}, payload = accessClaims() } = parts;
  const raw = typeof header === 'string' || Buffer.isBuffer(header);
  const head = raw ? header : { alg: key.alg, typ: 'at+jwt', kid: key.kid, ...header };
  const input = `${segment(head)}.${segment(payload)}`;
  return `${input}.${Buffer.from(parts.signature ?? key.sign(input)).toString('base64url')}`;
}

/** Text, bytes or JSON as one segment. */
export function segment(content: unknown): string {
  const bytes = typeof content === 'string' || Buffer.isBuffer(content) ? content : JSON.stringify(content);
  return Buffer.from(bytes as string).toString('base64url');
}

/** A verifier of {@link ISSUER}'s access tokens that trusts the given keys. */
export function verifierOf(keys: TestKey | readonly TestKey[], changes: Partial<IssuerPolicy> = {}): Verifier {
  return createVerifier({ issuers: [issuerPolicy(keys, changes)], clock });
}

/** The policy that {@link verifierOf} uses. */
export function issuerPolicy(keys: TestKey | readonly TestKey[], changes: Partial<IssuerPolicy> = {}): IssuerPolicy {
  const list = [keys].flat();
  const issuer = changes.issuer ?? ISSUER;
  return {
    issuer,
    audience: AUDIENCE,
    algorithms: [...new Set(list.map((key) => key.alg))],
    keys: createLocalKeys({ issuer, keys: list.map((key) => key.material) }),
    ...changes,
  };
}

/** A token that went through a verifier, for whatever is built on one. */
export function verifiedToken(claims: Members = {}): Promise<VerifiedToken> {
  const key = testKey('ES256');
  return verifierOf(key).verify(makeToken(key, { payload: accessClaims(claims) }));
}
