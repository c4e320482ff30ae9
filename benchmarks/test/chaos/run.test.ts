/** A small chaos run, as people start it: real gateways, killed while orders flow, and what the independent checker says of it. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { describe, expect, onTestFinished, test } from 'vitest';
import { historyOf } from '../../src/chaos/history.ts';
import { KINDS, WAITING_KINDS } from '../../src/chaos/kinds.ts';
import { Journal } from '../../src/chaos/records.ts';
import { isInstalled } from '../../src/process/native.ts';

const MAIN = join(import.meta.dirname, '../../src/chaos/main.ts');
const IS_LONG = process.env['WATCHWORD_LONG'] === '1';

function chaos(args: readonly string[], timeout = 60_000): { status: number | null; out: string; err: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, [MAIN, ...args], {
    encoding: 'utf8',
    timeout,
    killSignal: 'SIGKILL',
    maxBuffer: 2 ** 26,
  });
  return { status, out: stdout, err: stderr };
}

function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'watchword-chaos-test-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

describe('the command', () => {
  test.each([
    ['--requests', '99'],
    ['--requests', '1e9'],
    ['--requests', 'many'],
    ['--queue', 'kafka'],
    ['--seed', '0'],
    ['--sed', '1'],
    ['--meddle', 'yes'],
    ['--minutes', '0'],
  ])('refuses %s %s', (name, value) => {
    const { status, out, err } = chaos([name, value]);
    expect([status, out]).toEqual([1, '']);
    expect(err).toMatch(new RegExp(`${name}|yes`));
  });

  test('helps', () => {
    const { status, out } = chaos(['--help']);
    expect(status).toBe(0);
    expect(out).toContain('npm run chaos');
  });
});

describe('S17: kill -9 of all that accept, work and store while requests flow', () => {
  const names = [...KINDS, ...WAITING_KINDS].map(({ name }) => name);

  const play = (queue: 'sqlite' | 'redis', requests: number, limitMs: number): void => {
    const json = join(temporaryFolder(), 'result.json');
    const { status, out, err } = chaos(['--queue', queue, '--requests', String(requests), '--json', json], limitMs);
    const broken = out.match(/BROKEN[^]*/)?.[0];
    expect({ status, broken, err: status === 0 ? '' : err }).toEqual({ status: 0, broken: undefined, err: '' });
    expect(out).toContain('no rule is broken');
    const { counts, ends, seed } = JSON.parse(readFileSync(json, 'utf8')) as Record<string, Record<string, number>>;
    expect(counts!['kills'], `seed ${seed}`).toBeGreaterThanOrEqual(3);
    expect(counts!['orders']).toBeGreaterThanOrEqual(requests);
    expect(counts!['reloads'], `seed ${seed}`).toBeGreaterThanOrEqual(1);
    expect(counts!['effects']).toBeGreaterThan(0.4 * requests);
    // What was not sent was not tried: all kinds but perhaps the rarest.
    expect(Object.keys(ends!).filter((name) => names.includes(name)).length).toBeGreaterThan(names.length - 6);
  };
  // The bound that the run sets itself, and time to check.
  const limitFor = (requests: number): number => 600_000 + 65 * requests;

  const ofSqlite = IS_LONG ? 1_000_000 : 800;
  test(`SQLite, ${ofSqlite} requests: no rule is broken`, { timeout: limitFor(ofSqlite) }, () =>
    play('sqlite', ofSqlite, limitFor(ofSqlite)),
  );

  test('a run in which things go wrong fails, and says what: what is meddled with is found', { timeout: limitFor(300) }, () => {
    const json = join(temporaryFolder(), 'result.json');
    const { status, out } = chaos(['--meddle', '--requests', '300', '--json', json], limitFor(300));
    expect(status, out).toBe(1);
    expect(out).toContain('BROKEN: ');
    const { findings } = JSON.parse(readFileSync(json, 'utf8')) as { findings: readonly { readonly rule: string }[] };
    const rules = new Set(findings.map(({ rule }) => rule));
    expect([...rules]).toEqual(expect.arrayContaining(['lost', 'two effects', 'done for nothing', 'wrong caller']));
  });

  const ofRedis = IS_LONG ? 200_000 : 300;
  test.skipIf(!isInstalled('redis-server'))(
    `Redis, ${ofRedis} requests: no rule is broken (needs redis-server: apt-get install redis-server)`,
    { timeout: limitFor(ofRedis) },
    () => play('redis', ofRedis, limitFor(ofRedis)),
  );
});

test('the history of an order is what both sides wrote of it, in the order of time, and the kills in between', async () => {
  const folder = temporaryFolder();
  const files = { client: join(folder, 'client'), service: join(folder, 'service') };
  const client = new Journal(files.client);
  client.add({ at: 0, what: 'killed', name: 'door-1' });
  client.add({ at: 1000, what: 'order', order: 'order-1' });
  client.add({ at: 1500, what: 'order', order: 'order-2' });
  client.add({ at: 2000, what: 'killed', name: 'worker-1' });
  client.add({ at: 4000, what: 'end', order: 'order-1' });
  client.close();
  const service = new Journal(files.service);
  service.add({ at: 3000, order: 'order-1', id: 'id-1' });
  service.close();
  expect((await historyOf('order-1', files)).map((line) => line.replaceAll(/\s+/g, ' ').trim())).toEqual([
    '00:00:01.000 client {"what":"order","order":"order-1"}',
    '00:00:02.000 client {"what":"killed","name":"worker-1"}',
    '00:00:03.000 service {"order":"order-1","id":"id-1"}',
    '00:00:04.000 client {"what":"end","order":"order-1"}',
  ]);
});
