/** Who is compared at the edge: proxies that people use in front of services, on one core each. */

/** One of them. */
export type SubjectId = 'watchword' | 'haproxy' | 'authRequest' | 'fastify' | 'nginx';

/** Facts about one. */
export interface SubjectFacts {
  /** As it stands in the table. */
  readonly title: string;
  /** Path of every request. */
  readonly path: string;
  /** Whether it finds out who is calling. */
  readonly verifies: boolean;
}

/** Subject id to its facts, in the order of the table. */
export const SUBJECTS: Readonly<Record<SubjectId, SubjectFacts>> = {
  watchword: { title: 'watchword gateway: verify, swap the token', path: '/orders/4711', verifies: true },
  haproxy: { title: 'HAProxy, jwt_verify on every request', path: '/orders/4711', verifies: true },
  authRequest: { title: 'nginx + auth_request to the decision service', path: '/orders/4711', verifies: true },
  fastify: { title: '@fastify/http-proxy + @fastify/jwt, its cache', path: '/orders/4711', verifies: true },
  nginx: { title: 'nginx, no verification', path: '/public/4711', verifies: false },
};

/** All ids, in the order of the table. */
export const SUBJECT_IDS: readonly SubjectId[] = Object.keys(SUBJECTS) as SubjectId[];
