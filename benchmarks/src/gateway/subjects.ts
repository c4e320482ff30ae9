/** Who is compared: two proxies, each with verification and without. */

/** One of them. */
export type SubjectId = 'watchword' | 'watchword-public' | 'fastify' | 'fastify-public';

/** Facts about one. */
export interface SubjectFacts {
  /** As it stands in the table. */
  readonly title: string;
  readonly proxy: 'watchword' | 'fastify';
  /** Path of every request. */
  readonly path: string;
}

/** Subject id to its facts, in the order of the table. */
export const SUBJECTS: Readonly<Record<SubjectId, SubjectFacts>> = {
  watchword: { title: 'watchword gateway: verify, swap the token', proxy: 'watchword', path: '/orders/4711' },
  'watchword-public': { title: 'watchword gateway, verification off', proxy: 'watchword', path: '/public/4711' },
  fastify: { title: '@fastify/http-proxy + @fastify/jwt, its cache', proxy: 'fastify', path: '/orders/4711' },
  'fastify-public': { title: '@fastify/http-proxy alone', proxy: 'fastify', path: '/public/4711' },
};

/** All ids, in the order of the table. */
export const SUBJECT_IDS: readonly SubjectId[] = Object.keys(SUBJECTS) as SubjectId[];
