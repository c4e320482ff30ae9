import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import type { DashboardState } from '@watchword/dashboard';
import type { Figures } from '../src/report/figures.ts';
import { CAN_LIST_PROCESSES, MeshProcess } from './mesh-process.ts';

const LIMIT_MS = 120_000;

let mesh: MeshProcess | undefined;
const start = (...args: string[]): MeshProcess => (mesh = new MeshProcess(args));

afterEach(async () => {
  await mesh?.clear();
  mesh = undefined;
});

describe('npm start refuses', () => {
  it.each([
    ['an option that it does not know', ['--fast'], '--fast'],
    ['an algorithm that it does not know', ['--alg', 'none'], '--alg: none'],
  ])('%s', async (_, args, reason) => {
    const { ended } = start(...args);
    expect(await ended).toBe(2);
    expect(mesh!.output).toContain(reason);
  });
});

// Elsewhere than on Linux left-over processes cannot be looked for in /proc.
describe.skipIf(!CAN_LIST_PROCESSES)('npm start (on Linux)', () => {
  it('explains itself', async () => {
    const { ended } = start('--help');
    expect(await ended).toBe(0);
    expect(mesh!.output).toContain('--once');
  });

  it(
    '--once measures each strategy, prints both tables, writes the figures, and leaves no process',
    { timeout: LIMIT_MS },
    async () => {
      const folder = mkdtempSync(join(tmpdir(), 'mesh-test-'));
      const json = join(folder, 'figures.json');
      const { ended } = start('--once', '--quick', '--json', json);
      expect([await ended, mesh!.output]).toEqual([0, expect.stringContaining('extrapolated')]);
      expect(await mesh!.remaining()).toEqual([]);

      const figures = JSON.parse(readFileSync(json, 'utf8')) as Figures;
      rmSync(folder, { recursive: true });
      const [jose, cached, once, perRequest] = figures.results;
      expect(figures.results.map(({ id }) => id)).toEqual([
        'verify-everywhere',
        'verify-everywhere-cached',
        'verify-once',
        'verify-once-per-request',
      ]);
      for (const result of figures.results) {
        expect(mesh!.output).toContain(result.title);
        expect(result.errors).toBe(0);
        expect(result.internalHops).toBe(4);
        for (const value of [result.requestsPerSecond, result.p50Ms]) expect(value).toBeGreaterThan(0);
        // How much less it is, a benchmark says: jose's is a difference of two short runs, which anything else on the machine moves.
        expect(result.verificationMicrosPerRequest).toBeGreaterThanOrEqual(0);
        expect(result.p99Ms).toBeGreaterThanOrEqual(result.p50Ms);
      }
      // Exact, because each phase sends a known number of requests with a known number of tokens.
      expect(jose!.signatureChecksPerRequest).toBe(4);
      expect(cached!.signatureChecksPerRequest).toBe(0);
      expect(once!.signatureChecksPerRequest).toBeCloseTo(4 / figures.plan.requestsPerUser);
      expect(perRequest!.signatureChecksPerRequest).toBe(4);
      expect(jose!.tokenBytesPerHop).toBeGreaterThan(1_000);
      expect(jose!.tokenBytesPerHop).toBeLessThan(1_600);
      expect(once!.tokenBytesPerHop).toBeLessThanOrEqual(450);
      expect(figures.growth.map(({ users }) => users)).toEqual([100, 10_000, 1_000_000, 100_000_000]);
      expect(figures.growth.at(-1)!.with.basis).toBe('extrapolated');
    },
  );

  it('stays up with lines to paste that do what they say; Ctrl-C ends every process', { timeout: LIMIT_MS }, async () => {
    const { ended } = start('--quick', '--alg', 'ES256');
    await mesh!.says('Ctrl-C ends everything');
    const lines = [...mesh!.output.matchAll(/^# .*: (\d{3})\n(curl .*)$/gm)];
    expect(lines.map(([, status]) => status)).toEqual(['200', '401', '401']);
    for (const [, status, line] of lines) {
      const answer = execFileSync('bash', ['-c', line!], { encoding: 'utf8', timeout: 30_000 });
      expect(answer.trim().split('\n').at(-1)).toBe(status);
    }
    for (const [, url] of mesh!.output.matchAll(/^(?:dashboard|health|metrics|keys) +(http\S+)$/gm)) {
      expect((await fetch(url!)).status).toBe(200);
    }
    const [, dashboard] = /^dashboard +(http\S+)$/m.exec(mesh!.output)!;
    const { gateways } = (await (await fetch(`${dashboard}api/gateways`)).json()) as DashboardState;
    expect(gateways.map(({ name }) => name)).toEqual(['mesh gateway', 'orders', 'pricing', 'inventory', 'tax']);
    for (const { latest } of gateways) expect(latest!.cache!.hits).toBeGreaterThan(0);
    // The mesh itself, the provider, the gateway, the four services and the dashboard.
    expect(mesh!.processes()).toHaveLength(8);
    mesh!.kill('SIGINT');
    expect(await ended).toBe(0);
    expect(await mesh!.remaining()).toEqual([]);
  });

  it.each([
    ['while it starts', 'identity provider', 'SIGINT', 130],
    ['while it measures', 'under load, round 1', 'SIGTERM', 143],
  ] as const)('ends every process when it is interrupted %s', { timeout: LIMIT_MS }, async (_, moment, signal, code) => {
    const { ended } = start('--once', '--quick');
    await mesh!.says(moment);
    mesh!.kill(signal);
    expect(await ended).toBe(code);
    expect(await mesh!.remaining()).toEqual([]);
  });

  it('leaves no process when it is killed outright', { timeout: LIMIT_MS }, async () => {
    start('--quick');
    await mesh!.says('checked:');
    expect(mesh!.processes().length).toBeGreaterThan(10);
    mesh!.kill('SIGKILL');
    await mesh!.ended;
    expect(await mesh!.remaining()).toEqual([]);
  });

  it('names a process that dies, and ends the others', { timeout: LIMIT_MS }, async () => {
    const { ended } = start('--quick');
    await mesh!.says('checked:');
    const victim = mesh!.processes().find(({ command }) => command.includes('services/pricing.ts'))!;
    process.kill(victim.pid, 'SIGKILL');
    expect(await ended).toBe(1);
    expect(mesh!.output).toMatch(/pricing ended unexpectedly with signal SIGKILL/);
    expect(await mesh!.remaining()).toEqual([]);
  });
});
