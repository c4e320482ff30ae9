/** An issuer of real access tokens for tests. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { generateSigningKey, signJws } from '@watchword/core';
import { onTestFinished } from 'vitest';

export const ISSUER = 'https://idp.example';
export const AUDIENCE = 'https://api.example';

export interface TestIssuer {
  /** Configuration entry that trusts this issuer. */
  readonly entry: object;
  token(claims?: object, header?: object): string;
  jwks(): object;
}

/** Claims of RFC 9068 with a scope, good for an hour. */
export function accessTokenClaims(claims: object = {}): object {
  const now = Math.floor(Date.now() / 1000);
  return {
    iss: ISSUER,
    aud: AUDIENCE,
    sub: 'user-1',
    client_id: 'app',
    iat: now - 10,
    exp: now + 3600,
    jti: 'token-1',
    scope: 'read write',
    ...claims,
  };
}

export function createTestIssuer(): TestIssuer {
  const key = generateSigningKey('ES256', 'k1');
  const jwks = (): object => ({ keys: [key.publicJwk()] });
  const file = join(temporaryDirectory(), 'jwks.json');
  writeFileSync(file, JSON.stringify(jwks()));
  return {
    entry: { issuer: ISSUER, audience: AUDIENCE, algorithms: ['ES256'], jwksFile: file },
    token: (claims = {}, header = {}) =>
      signJws(Buffer.from(JSON.stringify(accessTokenClaims(claims))), { typ: 'at+jwt', ...header }, key),
    jwks,
  };
}

export function temporaryDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'watchword-test-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}
