/** How fast a revocation is everywhere (S16). `npm run bench:revocation` gives figures; this gives the bound. */
import { type ChildProcess, fork } from 'node:child_process';
import { join } from 'node:path';
import { createRevocations } from '@watchword/core';
import { describe, expect, test } from 'vitest';
import { eventually } from '../../core/test/revocation/log-suite.ts';
import { createRedisRevocationLog } from '../src/index.ts';
import type { FollowerAnswer, FollowerTask } from './support/follower.ts';
import { RedisServer, hasRedis } from './support/redis-server.ts';
import { issuer, jwks, revocationOf, tokenOf } from './support/world.ts';

const PROCESSES = 4;
const TOKENS = 50;

describe.skipIf(!hasRedis)('with redis-server', () => {
  test('S16: a revocation that is acknowledged is in force in four processes: p99 within 1 s, all within 5 s', async () => {
    const server = await RedisServer.start();
    const children: ChildProcess[] = [];
    const log = createRedisRevocationLog({ server: server.url });
    const revocations = createRevocations({ log });
    try {
      const tokens = Array.from({ length: TOKENS }, (_, index) => tokenOf(`${index}`));
      const refusedAtMs = tokens.map((): number[] => []);
      let ready = 0;
      for (let index = 0; index < PROCESSES; index += 1) {
        const child = fork(join(import.meta.dirname, 'support', 'follower.ts'), { execArgv: [] });
        children.push(child);
        child.on('message', (answer: FollowerAnswer) => {
          if ('ready' in answer) ready += 1;
          else refusedAtMs[answer.refused]!.push(answer.atMs);
        });
        child.send({ server: server.url, issuer, jwks, tokens } satisfies FollowerTask);
      }
      await eventually(() => ready === PROCESSES, 'four processes', 20_000);
      // Nobody refuses what nobody has revoked.
      expect(refusedAtMs.flat()).toEqual([]);
      const acknowledgedAtMs: number[] = [];
      for (let index = 0; index < TOKENS; index += 1) {
        await revocations.revoke(revocationOf(`${index}`));
        acknowledgedAtMs.push(performance.timeOrigin + performance.now());
      }
      await eventually(() => refusedAtMs.every((moments) => moments.length === PROCESSES), 'refused everywhere');
      const durations = refusedAtMs.map((moments, index) => Math.max(...moments) - acknowledgedAtMs[index]!);
      durations.sort((left, right) => left - right);
      expect(durations.at(-1)).toBeLessThanOrEqual(5000);
      expect(durations[Math.ceil(0.99 * TOKENS) - 1]).toBeLessThanOrEqual(1000);
    } finally {
      for (const child of children) child.kill('SIGKILL');
      revocations.close();
      await log.close();
      await server.destroy();
    }
  });
});
