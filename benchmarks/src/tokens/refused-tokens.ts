/** Tokens that every contender must refuse before its time is taken. */
import { ISSUER } from './claims.ts';
import type { KeyPair } from './key-pair.ts';
import { encode, signToken } from './sign-token.ts';

/** A token and why it must be refused. */
export interface RefusedToken {
  readonly reason: string;
  readonly token: string;
  /** Whether the signature alone tells: all that the bare call can see. */
  readonly badSignature: boolean;
}

/** Makes the tokens. `good` is one that is accepted, and that a cache may know already. */
export async function createRefusedTokens(pair: KeyPair, good: string): Promise<RefusedToken[]> {
  const now = Math.floor(Date.now() / 1000);
  const signed = async (reason: string, changes: Record<string, unknown>): Promise<RefusedToken> => ({
    reason,
    token: await signToken(pair, 'user-0', changes),
    badSignature: false,
  });
  return [
    { reason: 'forged signature', token: forgeSignature(good), badSignature: true },
    { reason: 'forged subject', token: forgeSubject(good), badSignature: true },
    await signed('expired', { iat: now - 7200, exp: now - 3600 }),
    await signed('wrong audience', { aud: 'https://billing.example.com' }),
    await signed('wrong issuer', { iss: `${ISSUER}-staging` }),
    { reason: 'not signed', token: `${encode({ alg: 'none', typ: 'at+jwt' })}.${good.split('.')[1]}.`, badSignature: false },
  ];
}

function forgeSignature(token: string): string {
  const [header, payload, signature] = token.split('.') as [string, string, string];
  const bytes = Buffer.from(signature, 'base64url');
  bytes[bytes.length >> 1]! ^= 1;
  return `${header}.${payload}.${bytes.toString('base64url')}`;
}

function forgeSubject(token: string): string {
  const [header, payload, signature] = token.split('.') as [string, string, string];
  const claims = JSON.parse(Buffer.from(payload, 'base64url').toString()) as Record<string, unknown>;
  return `${header}.${encode({ ...claims, sub: 'admin' })}.${signature}`;
}
