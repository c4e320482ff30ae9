/** Whom the verifiers of `npm run bench:batch` trust. */
import { type KeySource, createLocalKeys } from '@watchword/core';
import { AUDIENCE, ISSUER } from '../tokens/claims.ts';
import type { BenchmarkAlgorithm } from '../tokens/key-pair.ts';

/** A public key, as it can be told to another process. */
export interface KeyFacts {
  readonly algorithm: BenchmarkAlgorithm;
  readonly kid: string;
  readonly pem: string;
}

/** The policy for the one issuer. */
export function policyOf({ algorithm }: Pick<KeyFacts, 'algorithm'>, keys: KeySource) {
  return { issuer: ISSUER, audience: AUDIENCE, algorithms: [algorithm], keys };
}

/** Its key, at hand. */
export function localKeys({ algorithm, kid, pem }: KeyFacts): KeySource {
  return createLocalKeys({ issuer: ISSUER, keys: [{ alg: algorithm, kid, pem }] });
}
