/** Makes tokens. */
import { createClaims } from './claims.ts';
import type { KeyPair } from './key-pair.ts';
import { createTokenSignature } from './signature.ts';

/** Signs one access token. */
export async function signToken(pair: KeyPair, subject: string, changes?: Readonly<Record<string, unknown>>): Promise<string> {
  const header = { alg: pair.algorithm, typ: 'at+jwt', kid: pair.material.kid };
  const input = `${encode(header)}.${encode(createClaims(subject, changes))}`;
  const signature = await createTokenSignature(input, pair.signingKey, pair.algorithm);
  return `${input}.${signature.toString('base64url')}`;
}

/** Signs the tokens of many users: `user-0`, `user-1`, ... */
export async function signTokens(pair: KeyPair, count: number): Promise<string[]> {
  const tokens: string[] = [];
  while (tokens.length < count) {
    const batch = Math.min(BATCH, count - tokens.length);
    const first = tokens.length;
    tokens.push(...(await Promise.all(Array.from({ length: batch }, (_, index) => signToken(pair, `user-${first + index}`)))));
  }
  return tokens;
}

/** Signatures under way at a time: enough for all threads, and little memory. */
const BATCH = 500;

/** Encodes a value as a segment of a token. */
export function encode(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}
