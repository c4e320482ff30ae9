/** The same question put to jose, with options that mean the same. */
import { type JWTPayload, type JWTVerifyOptions, type JWTVerifyGetKey, createLocalJWKSet, jwtVerify } from 'jose';
import type { TestKey } from './keys.ts';
import type { CasePolicy, TokenCase } from './token-cases.ts';
import { ISSUER } from './tokens.ts';

/** The claims, or undefined where jose refuses. */
export async function askJose({ policy, token, nowMs }: TokenCase): Promise<JWTPayload | undefined> {
  const options: JWTVerifyOptions = {
    issuer: ISSUER,
    audience: [...policy.audience],
    algorithms: bothNames(policy.algorithms),
    clockTolerance: policy.toleranceSeconds,
    requiredClaims: ['exp', ...policy.requiredClaims],
    typ: policy.tokenType,
    currentDate: new Date(nowMs),
    ...(policy.maxTokenAgeSeconds === undefined ? {} : { maxTokenAge: policy.maxTokenAgeSeconds }),
  };
  try {
    return (await jwtVerify(token, keysFor(policy), options)).payload;
  } catch {
    return undefined;
  }
}

// JO-14: two names for one algorithm, so the allow-list has both, and the key says neither.
function bothNames(algorithms: readonly string[]): string[] {
  const hasEdwards = algorithms.includes('Ed25519') || algorithms.includes('EdDSA');
  return hasEdwards ? [...algorithms, 'Ed25519', 'EdDSA'] : [...algorithms];
}

const resolvers = new WeakMap<readonly TestKey[], JWTVerifyGetKey>();

function keysFor({ keys }: CasePolicy): JWTVerifyGetKey {
  const resolver =
    resolvers.get(keys) ?? (keys[0]!.publicKey === undefined ? secretsOf(keys) : createLocalJWKSet({ keys: keys.map(jwkOf) }));
  resolvers.set(keys, resolver);
  return resolver;
}

function jwkOf({ alg, kid, publicKey }: TestKey): Record<string, unknown> & { kty: string } {
  const jwk = publicKey!.export({ format: 'jwk' });
  return { ...jwk, kty: jwk.kty!, kid, ...(jwk.kty === 'OKP' ? {} : { alg }) };
}

function secretsOf(keys: readonly TestKey[]): JWTVerifyGetKey {
  return ({ alg, kid }) => {
    const fitting = keys.filter((key) => key.alg === alg && (kid === undefined || kid === key.kid));
    if (fitting.length !== 1) throw new Error('not exactly one key');
    return (fitting[0]!.material as { secret: Uint8Array }).secret;
  };
}
