/** Who sends orders, and the tokens that go with them. */
import { randomUUID } from 'node:crypto';
import { type KeyPair, createKeyPair } from '../tokens/key-pair.ts';
import { encode, signToken } from '../tokens/sign-token.ts';
import type { TokenKind } from './kinds.ts';
import type { Tenant } from './tenants.ts';

/** A token, and what it is known by. */
export interface CallerToken {
  readonly compact: string;
  readonly jti: string;
  readonly expiresAtMs: number;
}

/** What the route asks for. */
export const SCOPE = 'orders.write';
/** How long a token lasts that does not last: longer than it takes to send it, on a busy machine. */
const SHORT_SECONDS = 3;
const LONG_SECONDS = 6 * 3600;

/** Makes tokens of callers of one issuer. */
export class Callers {
  readonly #tenant: Tenant;
  readonly #stranger: KeyPair;
  readonly #neighbour: KeyPair;
  readonly #standing = new Map<string, CallerToken>();

  /** @param neighbour the key of another issuer that is trusted */
  constructor(tenant: Tenant, neighbour: KeyPair) {
    this.#tenant = tenant;
    this.#neighbour = neighbour;
    const stranger = createKeyPair('ES256');
    this.#stranger = { ...stranger, material: { ...stranger.material, kid: tenant.pair.material.kid } };
  }

  /** @param isOwn whether the order has the token to itself, so that it can be taken back. Otherwise a caller's orders share one */
  async token(subject: string, kind: TokenKind, isOwn: boolean): Promise<CallerToken> {
    const isShared = kind === 'good' && !isOwn;
    const standing = isShared ? this.#standing.get(subject) : undefined;
    if (standing !== undefined) return standing;
    const token = await this.#make(subject, kind);
    if (isShared) this.#standing.set(subject, token);
    return token;
  }

  async #make(subject: string, kind: TokenKind): Promise<CallerToken> {
    const nowSeconds = Math.floor(Date.now() / 1000);
    const lifetime = kind === 'short' ? SHORT_SECONDS : kind === 'expired' ? -60 : LONG_SECONDS;
    const [jti, exp] = [randomUUID(), nowSeconds + lifetime];
    const changes = {
      iss: this.#tenant.issuer,
      jti,
      exp,
      iat: Math.min(nowSeconds, exp - 1),
      ...(kind === 'poor scope' ? { scope: 'orders.read' } : {}),
      ...(kind === 'other audience' ? { aud: 'https://elsewhere.example.com' } : {}),
    };
    const pair = kind === 'stranger' ? this.#stranger : kind === 'neighbour' ? this.#neighbour : this.#tenant.pair;
    const compact = await signToken(pair, subject, changes);
    return { compact: spoil(compact, kind), jti, expiresAtMs: exp * 1000 };
  }
}

function spoil(compact: string, kind: TokenKind): string {
  const [header, payload, signature] = compact.split('.') as [string, string, string];
  if (kind === 'forged') {
    const bytes = Buffer.from(signature, 'base64url');
    bytes[20]! ^= 1;
    return `${header}.${payload}.${bytes.toString('base64url')}`;
  }
  if (kind !== 'tampered') return compact;
  const claims = JSON.parse(Buffer.from(payload, 'base64url').toString()) as { sub: string };
  return `${header}.${encode({ ...claims, sub: `${claims.sub}-other` })}.${signature}`;
}
