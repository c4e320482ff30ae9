/** Counts fetches of a key set that nobody knows yet: by one batch, and by the same tokens verified at once without one. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type KeySource, type Verifier, createRemoteKeys, createVerifier, pooledChecks, verifyBatch } from '@watchword/core';
import { ISSUER } from '../tokens/claims.ts';
import type { KeyPair } from '../tokens/key-pair.ts';
import { signTokens } from '../tokens/sign-token.ts';
import { policyOf } from './policy.ts';

/** How many there were. */
export interface LookUps {
  readonly batch: number;
  readonly single: number;
}

/** Counts them. */
export async function measureLookUps(pair: KeyPair): Promise<LookUps> {
  const tokens = await signTokens(pair, 100);
  const verifierOf = (keys: KeySource): Verifier => createVerifier({ issuers: [policyOf(pair, keys)], checks: pooledChecks });
  return {
    batch: await fetchesOf(pair, (keys) => verifyBatch(verifierOf(keys), tokens)),
    single: await fetchesOf(pair, (keys) => Promise.all(tokens.map((token) => verifierOf(keys).verify(token)))),
  };
}

async function fetchesOf(pair: KeyPair, work: (keys: KeySource) => Promise<unknown>): Promise<number> {
  let fetches = 0;
  const server = createServer((_request, response) => {
    fetches += 1;
    response.writeHead(200, { 'content-type': 'application/jwk-set+json' }).end(JSON.stringify({ keys: [pair.material.jwk] }));
  }).listen(0, '127.0.0.1');
  await new Promise((ready) => server.once('listening', ready));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  const keys = createRemoteKeys({ issuer: ISSUER, algorithms: [pair.algorithm], url, allowInsecure: true });
  await work(keys);
  keys.close();
  server.close();
  server.closeAllConnections();
  return fetches;
}
