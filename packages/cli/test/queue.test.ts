import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { type NewEntry, type Queue, createSqliteQueue } from '@watchword/deferred';
import { createRedisQueue } from '@watchword/redis';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { RedisServer, hasRedis } from '../../redis/test/support/redis-server.ts';
import { type TestFiles, createFiles, watchword } from './support.ts';

const SECTION = 'deferred: {queue: {sqlite: deferred.db}, sealKeyFile: secret}\n';

function entry(index: number, changes: Partial<NewEntry> = {}): NewEntry {
  const now = Date.now();
  return {
    id: `${String(index).padStart(4, '0')}${'x'.repeat(20)}`,
    acceptedAtMs: now,
    runBeforeMs: now + 600_000,
    route: '/later/*',
    issuer: 'https://idp.example',
    client: 'client-1',
    fingerprint: `f${index}`,
    payload: new Uint8Array([1]),
    ...changes,
  };
}

/** Two that wait, three dead letters, of which one is too old to run. */
async function filled(section = SECTION, open?: () => Queue): Promise<TestFiles> {
  const files = createFiles(section);
  files.write('secret', randomBytes(32).toString('base64'));
  const queue = open?.() ?? createSqliteQueue({ path: join(files.directory, 'deferred.db') });
  for (const index of [0, 1]) await queue.accept(entry(index));
  await queue.accept(entry(2, { runBeforeMs: Date.now() + 5 }));
  const claims = await queue.claim('w', 3, { leaseMs: 60_000, waitMs: 0 });
  await queue.settle(claims.map((claim) => [claim, { state: 'dead', reason: 'upstream_unavailable' }]));
  for (const index of [3, 4]) await queue.accept(entry(index));
  await queue.close();
  return files;
}

async function filledRedis(): Promise<TestFiles> {
  const server = await RedisServer.start('always');
  onTestFinished(() => server.destroy());
  return filled(`deferred: {queue: {redis: "${server.url}"}, sealKeyFile: secret}\n`, () =>
    createRedisQueue({ server: server.url }),
  );
}

// A command that opens a file on a busy disk may take seconds.
vi.setConfig({ testTimeout: 120_000 });

const run = (files: TestFiles, ...args: string[]) => watchword(['queue', ...args, '--config', files.config]);

describe('wrong usage: exit 2', () => {
  test('no section, no queue yet, no ids, no such command', async () => {
    expect(await run(createFiles(), 'stats')).toMatchObject({ code: 2, err: expect.stringContaining('has no section deferred') });
    const files = createFiles(SECTION);
    files.write('secret', randomBytes(32).toString('base64'));
    expect(await run(files, 'stats')).toMatchObject({ code: 2, err: expect.stringContaining('is not there') });
    const away = createFiles('deferred: {queue: {redis: "redis://127.0.0.1:1"}, sealKeyFile: secret}\n');
    expect(await run(away, 'stats')).toMatchObject({ code: 2, err: expect.stringContaining('Redis cannot be asked') });
    expect(await run(files, 'replay')).toMatchObject({ code: 2, err: expect.stringContaining('missing required argument') });
    expect(await run(files, 'burn')).toMatchObject({ code: 2 });
  });
});

describe.each([
  ['a file', filled as () => Promise<TestFiles>, true],
  ['Redis (skipped where redis-server is not installed)', filledRedis, hasRedis],
])('what is there in %s', (_name, fill, isHere) => {
  test.skipIf(!isHere)('stats as text and as JSON', async () => {
    const files = await fill();
    const { code, out } = await run(files, 'stats');
    expect(code).toBe(0);
    expect(out).toMatch(/^waiting +2$/m);
    expect(out).toMatch(/^dead letters +3$/m);
    expect(out).toMatch(/^of https:\/\/idp\.example +2$/m);
    expect(JSON.parse((await run(files, 'stats', '--json')).out)).toMatchObject({ depth: 2, dead: 3, totals: { accepted: 5 } });
  });

  test.skipIf(!isHere)('dead letters: listed, put back unless they are too old, purged', async () => {
    const files = await fill();
    const listed = JSON.parse((await run(files, 'dead', '--json')).out) as { id: string; reason: string }[];
    expect(listed.map(({ reason }) => reason)).toEqual(Array(3).fill('upstream_unavailable'));
    expect((await run(files, 'dead')).out.split('\n').filter((line) => line.includes('after 1 attempts'))).toHaveLength(3);
    const [first] = listed;
    expect(await run(files, 'replay', first!.id)).toMatchObject({ code: 0, out: '1 put back\n' });
    expect(await run(files, 'replay', 'all')).toMatchObject({ code: 0, out: '1 put back\n' });
    expect(await run(files, 'replay', first!.id)).toMatchObject({ code: 1, out: expect.stringContaining(`not: ${first!.id}`) });
    expect(await run(files, 'purge', 'all')).toMatchObject({ code: 0, out: '1 forgotten\n' });
    expect(await run(files, 'dead')).toMatchObject({ code: 0, out: 'no dead letters\n' });
    expect(JSON.parse((await run(files, 'stats', '--json')).out)).toMatchObject({ depth: 4, dead: 0 });
  });
});
