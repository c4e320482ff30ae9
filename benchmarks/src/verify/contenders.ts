/** Who takes part, as one table. Each runs in a process of its own, which loads no other library. */
import type { BenchmarkAlgorithm } from '../tokens/key-pair.ts';
import type { CreateContender } from './contender.ts';

/** Id of a contender. */
export type ContenderId =
  | 'watchword-cached'
  | 'fast-jwt-cached'
  | 'bare'
  | 'watchword'
  | 'fast-jwt'
  | 'jsonwebtoken'
  | 'aws-jwt-verify'
  | 'jose';

/** Facts about a contender. */
export interface ContenderFacts {
  /** As it stands in the table. */
  readonly title: string;
  /** Whether it answers from a cache, which is filled before the time is taken. */
  readonly cached: boolean;
  readonly algorithms: readonly BenchmarkAlgorithm[];
  /** Loads it. */
  load(): Promise<CreateContender>;
}

const ALL: readonly BenchmarkAlgorithm[] = ['RS256', 'ES256', 'EdDSA', 'PS256', 'HS256'];

/** Contender id to its facts, in the order of the table. */
export const CONTENDERS: Readonly<Record<ContenderId, ContenderFacts>> = {
  'watchword-cached': {
    title: 'Watchword, cache',
    cached: true,
    algorithms: ALL,
    load: async () => (await import('./contenders/watchword.ts')).createCachedWatchword,
  },
  'fast-jwt-cached': {
    title: 'fast-jwt, cache',
    cached: true,
    algorithms: ALL,
    load: async () => (await import('./contenders/fast-jwt.ts')).createCachedFastJwt,
  },
  bare: {
    title: 'node:crypto, bare',
    cached: false,
    algorithms: ALL,
    load: async () => (await import('./contenders/bare.ts')).createBare,
  },
  watchword: {
    title: 'Watchword',
    cached: false,
    algorithms: ALL,
    load: async () => (await import('./contenders/watchword.ts')).createWatchword,
  },
  'fast-jwt': {
    title: 'fast-jwt',
    cached: false,
    algorithms: ALL,
    load: async () => (await import('./contenders/fast-jwt.ts')).createFastJwt,
  },
  jsonwebtoken: {
    title: 'jsonwebtoken',
    cached: false,
    algorithms: ['RS256', 'ES256', 'PS256', 'HS256'],
    load: async () => (await import('./contenders/jsonwebtoken.ts')).createJsonwebtoken,
  },
  'aws-jwt-verify': {
    title: 'aws-jwt-verify',
    cached: false,
    algorithms: ['RS256', 'ES256', 'EdDSA'],
    load: async () => (await import('./contenders/aws-jwt-verify.ts')).createAwsJwtVerify,
  },
  jose: {
    title: 'jose',
    cached: false,
    algorithms: ALL,
    load: async () => (await import('./contenders/jose.ts')).createJose,
  },
};

/** Those that know an algorithm. */
export function contendersFor(algorithm: BenchmarkAlgorithm): ContenderId[] {
  const ids = Object.keys(CONTENDERS) as ContenderId[];
  return ids.filter((id) => CONTENDERS[id].algorithms.includes(algorithm));
}
