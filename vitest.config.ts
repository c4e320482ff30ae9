import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

// Tests run on the sources, so that a failure points at the line that somebody edits.
const source = (folder: string): string => fileURLToPath(new URL(`packages/${folder}/src/index.ts`, import.meta.url));

export default defineConfig({
  resolve: {
    alias: {
      '@watchword/core': source('core'),
      '@watchword/http': source('http'),
      '@watchword/fastify': source('fastify'),
      '@watchword/express': source('express'),
      '@watchword/fetch': source('fetch'),
      '@watchword/http2': source('http2'),
      '@watchword/grpc': source('grpc'),
      '@watchword/deferred': source('deferred'),
      '@watchword/kafka': source('kafka'),
      '@watchword/nats': source('nats'),
      '@watchword/amqp': source('amqp'),
      '@watchword/bullmq': source('bullmq'),
      '@watchword/planner': source('planner'),
      '@watchword/gateway': source('gateway'),
      '@watchword/dashboard': fileURLToPath(new URL('apps/dashboard/src/index.ts', import.meta.url)),
      '@watchword/conformance': source('conformance'),
      '@watchword/redis': source('redis'),
    },
  },
  test: {
    include: [
      'packages/*/test/**/*.test.ts',
      'apps/*/test/**/*.test.ts',
      'examples/*/test/**/*.test.ts',
      'benchmarks/test/**/*.test.ts',
      'scripts/test/**/*.test.ts',
    ],
    testTimeout: 30_000,
    hookTimeout: 60_000,
    pool: 'forks',
    maxWorkers: 2,
    coverage: { provider: 'v8', include: ['packages/*/src/**'], reporter: ['text-summary', 'json-summary'] },
  },
});
