/** Obtains access tokens from the identity provider, as any client does (RFC 6749 section 4.4, RFC 8707). */
import { AUDIENCE, SCOPES, type User } from './users.ts';

/** An access token and whose it is. */
export interface UserToken {
  readonly subject: string;
  readonly token: string;
}

const AT_ONCE = 8;

/** One token for one user. @throws Error when the provider refuses */
export async function obtainToken(tokenEndpoint: string, user: User): Promise<UserToken> {
  const body = new URLSearchParams({
    grant_type: 'client_credentials',
    client_id: user.id,
    client_secret: user.secret,
    resource: AUDIENCE,
    scope: SCOPES,
  });
  const response = await fetch(tokenEndpoint, { method: 'POST', body, signal: AbortSignal.timeout(10_000) });
  const answer: unknown = await response.json();
  if (!response.ok || !isTokenAnswer(answer)) throw new Error(`The identity provider answered ${response.status} for ${user.id}`);
  return { subject: user.id, token: answer.access_token };
}

/** One token for each user, in the order of the users. */
export async function obtainTokens(tokenEndpoint: string, users: readonly User[]): Promise<UserToken[]> {
  const tokens: UserToken[] = [];
  for (let start = 0; start < users.length; start += AT_ONCE) {
    const batch = users.slice(start, start + AT_ONCE);
    tokens.push(...(await Promise.all(batch.map((user) => obtainToken(tokenEndpoint, user)))));
  }
  return tokens;
}

/** A token with another subject under the signature of `token`: what an attacker without the key can make. */
export function forge(token: string, subject: string): string {
  const [header, payload, signature] = token.split('.');
  const claims = JSON.parse(Buffer.from(payload ?? '', 'base64url').toString()) as Record<string, unknown>;
  const forged = Buffer.from(JSON.stringify({ ...claims, sub: subject })).toString('base64url');
  return `${header}.${forged}.${signature}`;
}

/** When a token expires, in seconds since the epoch. Unverified: for waiting and for display only. */
export function expiryOf(token: string): number {
  const claims = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as { exp?: number };
  return claims.exp ?? 0;
}

function isTokenAnswer(answer: unknown): answer is { access_token: string } {
  return typeof answer === 'object' && answer !== null && 'access_token' in answer && typeof answer.access_token === 'string';
}
