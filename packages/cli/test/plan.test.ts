import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { loadConfig, startGateway } from '@watchword/gateway';
import { REFERENCE_CALIBRATION, type Plan } from '@watchword/planner';
import { describe, expect, onTestFinished, test } from 'vitest';
import { createFiles, watchword } from './support.ts';

const planOf = async (args: readonly string[]): Promise<Plan> => {
  const { code, out, err } = await watchword(['plan', '--json', ...args]);
  expect({ code, err }).toEqual({ code: 0, err: '' });
  return JSON.parse(out) as Plan;
};

describe('plan refuses', () => {
  test.each([
    ['a number that is none', ['--users', 'many'], 'error: scenario.users: must be a number\n'],
    ['too little', ['--cpu-hour', '-1'], 'error: scenario.prices.cpuHour: must be at least 0\n'],
    ['an unknown algorithm', ['--algorithm', 'none'], 'error: scenario.token.algorithm: must be one of'],
    ['an unknown remedy', ['--remedies', 'prayer'], 'error: scenario.remedies: must be all, none, or some of'],
    ['fan-out without services', ['--fan-out', '2'], 'error: scenario.fanOut: goes with --services\n'],
    ['services without end', ['--services', '1e9'], 'error: scenario.services: must be a whole number from 1 to 1000\n'],
    ['growth of nothing', ['--grow', '1x'], 'error: --grow: must be a factor above 1'],
    ['no time', ['--from', 'http://127.0.0.1:1', '--seconds', '0'], 'error: --seconds: must be above 0'],
    ['a file that is not there', ['--scenario', '/nonexistent'], '/nonexistent: cannot be read (ENOENT)'],
  ])('%s: exit 2', async (_, args, message) => {
    const { code, out, err } = await watchword(['plan', ...args]);
    expect({ code, out }).toEqual({ code: 2, out: '' });
    expect(err).toContain(message);
  });

  test('a wrong scenario, every reason with its place', async () => {
    const files = createFiles();
    const file = files.write(
      'shop.yaml',
      'users: 0\nspeed: 3\nservices:\n  orders: {calls: {stock: 1}}\n  stock: {calls: {orders: 1}}\ntoken:\n  bytes: x\n',
    );
    expect(await watchword(['plan', '--scenario', file])).toEqual({
      code: 2,
      out: '',
      err: [
        `${file}:1:8: users: must be at least 1`,
        `${file}:4:19: services.orders.calls: leads back to this service`,
        `${file}:7:10: token.bytes: must be a number`,
        `${file}:2:1: speed: is not a setting`,
        '',
      ].join('\n'),
    });
  });

  test('a wrong calibration, with the place', async () => {
    const files = createFiles();
    const file = files.write('costs.json', JSON.stringify({ ...REFERENCE_CALIBRATION, storeMicros: -1 }, undefined, 2));
    const { code, err } = await watchword(['plan', '--calibration', file]);
    expect(code).toBe(2);
    expect(err).toMatch(/costs\.json:\d+:18: storeMicros: must be at least 0/);
  });

  test('what is no gateway: exit 1', async () => {
    const server = createServer((_request, response) => void response.end('hello'));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void server.close());
    const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    expect(await watchword(['plan', '--from', origin, '--seconds', '0.01'])).toEqual({
      code: 1,
      out: '',
      err: `error: ${origin}: shows no metrics of a Watchword gateway\n`,
    });
    expect(await watchword(['plan', '--from', 'http://127.0.0.1:1'])).toMatchObject({
      code: 1,
      err: 'error: http://127.0.0.1:1: no answer\n',
    });
  });
});

describe('plan', () => {
  test('prints the growth table, limits and advice; what is extrapolated carries a tilde', async () => {
    const { code, out, err } = await watchword(['plan', '--grow', '10x']);
    expect({ code, err }).toEqual({ code: 0, err: '' });
    for (const text of ['100,000,000', 'verification CPU, share of servers', 'Gbit/s', 'a month', 'What is full first', 'why'])
      expect(out).toContain(text);
    expect(out).toMatch(/cores for verification +│ +~/);
    expect(out).toMatch(/If traffic grows 10x, to 100,000 users: first breaks: processors of \w+, of which it takes [\d,]+ %/);
    expect(out).toMatch(
      /  10,000 users, 5,000 requests\/s \(now\)\n +without: processors of orders: ~\d+ %, all at ~[\d,]+ requests\/s; then /,
    );
    expect(out.indexOf('1. scaling')).toBeGreaterThan(0);
    expect(out.indexOf('2. caching')).toBeGreaterThan(out.indexOf('1. scaling'));
  });

  test('reproduces the rules of thumb, and says why measured reality differs', async () => {
    const { out } = await watchword(['plan', '--scenario', 'rules-of-thumb']);
    expect(out).toContain('~30-50 %');
    expect(out).toContain('measured without cache: ');
  });

  test('takes its settings from a file, and flags over it', async () => {
    const files = createFiles();
    const file = files.write(
      'shop.yaml',
      'users: 20000\nservices:\n  orders: {calls: {stock: 2}, instances: 3}\n  stock: {}\ntoken: {bytes: 900}\nremedies: {http2: false}\n',
    );
    const { scenario } = await planOf(['--scenario', file, '--users', '30000', '--threads', '8', '--algorithm', 'ES256']);
    expect(scenario).toMatchObject({
      users: 30_000,
      token: { bytes: 900, algorithm: 'ES256' },
      gateway: { threads: 8 },
      remedies: { http2: false, caching: true },
    });
    expect(scenario.services.map(({ name, calls, instances, threads }) => ({ name, calls, instances, threads }))).toEqual([
      { name: 'orders', calls: { stock: 2 }, instances: 3, threads: 8 },
      { name: 'stock', calls: {}, instances: 1, threads: 8 },
    ]);
  });

  test('--simulate: what is simulated carries a star, and is close to the formula', async () => {
    const args = ['--users', '2000', '--lifetime', '60', '--simulate'];
    const { out } = await watchword(['plan', ...args]);
    expect(out).toMatch(/Cache hits of the gateway as it is now: \*\d/);
    const planned = (await planOf(args)) as Plan & { simulatedHits: { value: number; basis: string } };
    expect(planned.simulatedHits.basis).toBe('simulated');
    expect(Math.abs(planned.simulatedHits.value - planned.now.with.hitRatio.value)).toBeLessThan(0.03);
  });

  test('--services and --fan-out make a chain; --remedies chooses', async () => {
    const { scenario } = await planOf(['--services', '3', '--fan-out', '2', '--remedies', 'scaling,caching']);
    expect(scenario.services.map(({ calls }) => calls)).toEqual([{ 'service-2': 2 }, { 'service-3': 2 }, {}]);
    expect(Object.entries(scenario.remedies).filter(([, isOn]) => isOn)).toHaveLength(2);
  });

  test('--calibration: other unit costs, other cores', async () => {
    const files = createFiles();
    const algorithms = { ...REFERENCE_CALIBRATION.algorithms, RS256: { verifyMicros: 427, signMicros: 250, mintMicros: 275 } };
    const file = files.write('costs.json', JSON.stringify({ ...REFERENCE_CALIBRATION, algorithms }));
    const [usual, slow] = [await planOf([]), await planOf(['--calibration', file])];
    expect(slow.now.without.verificationCores.value / usual.now.without.verificationCores.value).toBeCloseTo(
      427 / REFERENCE_CALIBRATION.algorithms.RS256.verifyMicros,
    );
  });

  test('--from: plans with what a running gateway has measured', async () => {
    const files = createFiles();
    const gateway = await startGateway(loadConfig(files.config));
    onTestFinished(() => gateway.close());
    const now = Math.floor(Date.now() / 1000);
    const token = files.token({ iat: now - 60, exp: now + 600 });
    const headers = { authorization: `Bearer ${token}` };
    const ask = async (): Promise<unknown> => await fetch(`http://127.0.0.1:${gateway.port}/orders/1`, { headers });
    // Known from then on, however few requests a busy machine makes between two looks.
    await ask();
    const look = { isOver: false };
    const asking = watchword(['plan', '--json', '--from', `http://127.0.0.1:${gateway.controlPort}`, '--seconds', '1']).finally(
      () => (look.isOver = true),
    );
    while (!look.isOver) {
      await ask();
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    const { code, out, err } = await asking;
    expect({ code, err }).toEqual({ code: 0, err: '' });
    const { scenario, now: row } = JSON.parse(out) as Plan;
    const { observed } = scenario;
    expect(observed!.requestsPerSecond).toBeGreaterThan(0);
    expect(observed!.hitRatio).toBeGreaterThan(0.8);
    expect(observed!.signatureChecksPerRequest).toBeLessThan(0.2);
    expect(observed!.reuseRatio).toBeGreaterThan(0.8);
    expect(observed!.hops.find(({ hop }) => hop === 'clients')!.bytesPerRequest).toBeGreaterThan(token.length);
    expect(row.requestsPerSecond).toBeCloseTo(observed!.requestsPerSecond);
    expect(row.with.hitRatio).toEqual({ value: observed!.hitRatio, basis: 'measured' });
  });
});
