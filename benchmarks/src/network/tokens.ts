/** The tokens: external ones as an identity provider issues them, and the Txn-Tokens that the edge makes of them. */
import { createLocalKeys, createTxnMinter, createVerifier, generateSigningKey } from '@watchword/core';
import { AUDIENCE, ISSUER } from '../tokens/claims.ts';
import { createKeyPair } from '../tokens/key-pair.ts';
import { signTokens } from '../tokens/sign-token.ts';

/** Both tokens of each caller, in the same order. */
export interface CallerTokens {
  readonly bearer: readonly string[];
  readonly 'txn-token': readonly string[];
}

/** Makes them. */
export async function createCallerTokens(callers: number): Promise<CallerTokens> {
  const pair = createKeyPair('ES256');
  const bearer = await signTokens(pair, callers);
  const keys = createLocalKeys({ issuer: ISSUER, algorithms: ['ES256'], jwks: { keys: [pair.material.jwk as never] } });
  const verifier = createVerifier({ issuers: [{ issuer: ISSUER, audience: AUDIENCE, algorithms: ['ES256'], keys }] });
  const minter = createTxnMinter({ trustDomain: 'shop.internal', key: generateSigningKey(), requestingWorkload: 'edge' });
  const txn = await Promise.all(bearer.map(async (token) => minter.mint({ subject: await verifier.verify(token) })));
  return { bearer, 'txn-token': txn };
}
