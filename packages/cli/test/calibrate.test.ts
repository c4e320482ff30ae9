import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { parseCalibration } from '@watchword/planner';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { CalibrationChild } from '../src/calibrate/child.ts';
import { createProgressBar } from '../src/calibrate/progress-bar.ts';
import { FULL_PLAN, QUICK_PLAN, durationOf } from '../src/calibrate/plan.ts';
import { createTerminal, watchword } from './support.ts';

const folder = (): string => {
  const path = mkdtempSync(join(tmpdir(), 'watchword-calibrate-test-'));
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  return path;
};

/** Processes that were started with this text in their environment. Linux only. */
const processesWith = (text: string): string[] =>
  (existsSync('/proc') ? readdirSync('/proc') : []).filter((pid) => {
    try {
      return /^\d+$/.test(pid) && readFileSync(`/proc/${pid}/environ`, 'utf8').includes(text);
    } catch {
      // It has ended meanwhile, or belongs to somebody else.
      return false;
    }
  });

describe('watchword calibrate refuses', () => {
  it('a place where nothing can be written, before it measures', async () => {
    const directory = join(folder(), 'there');
    mkdirSync(directory);
    for (const out of [directory, join(directory, 'not', 'there.json')]) {
      const { code, err } = await watchword(['calibrate', '--quick', '--out', out]);
      expect(code).toBe(2);
      expect(err).toBe(`error: --out: ${out} cannot be written\n`);
    }
  });

  it('a number of rounds that makes no sense', async () => {
    for (const rounds of ['0', '-1', '1.5', 'many', '1000'])
      expect((await watchword(['calibrate', '--rounds', rounds])).err).toContain('a whole number from 1 to 100');
  });

  it('what it does not know', async () => {
    expect((await watchword(['calibrate', '--fast'])).code).toBe(2);
    expect((await watchword(['calibrate', 'costs.json'])).code).toBe(2);
  });
});

describe('watchword calibrate', () => {
  it('writes and prints unit costs that can be read again, and says how far it is', { timeout: 240_000 }, async () => {
    const out = join(folder(), 'costs.json');
    const result = await watchword(['calibrate', '--quick', '--json', '--out', out]);
    expect(result.err).not.toContain('watchword:');
    expect(result.code).toBe(0);
    expect(readFileSync(out, 'utf8')).toBe(result.out);
    const calibration = parseCalibration(JSON.parse(result.out));

    // What is true of every machine, however busy: arithmetic takes longer than looking up, RSA signs more slowly than it verifies ...
    const { algorithms, hits, rarely, protocols } = calibration;
    expect(algorithms.ES256.verifyMicros).toBeGreaterThan(hits[0]!.micros);
    expect(algorithms.RS256.signMicros).toBeGreaterThan(algorithms.HS256.signMicros);
    for (const points of Object.values(rarely!)) expect(points.at(-1)!.extraMicros).toBe(0);
    // One round differs from no other.
    expect(calibration.machine.spread).toBeUndefined();
    // ... and octets are the same everywhere.
    expect(protocols.http1.bearer).toEqual({ fixed: 24, perCharacter: 1 });
    expect(protocols.http1.txnToken).toEqual({ fixed: 13, perCharacter: 1 });
    expect(protocols.http1.indexedBytes).toBeNull();
    for (const { indexedBytes, txnToken } of [protocols.http2, protocols.grpc]) {
      expect(indexedBytes).toBeLessThan(4);
      expect(txnToken.perCharacter).toBeGreaterThan(0.7);
      expect(txnToken.perCharacter).toBeLessThan(0.9);
    }
    expect(calibration.cachedTokenBytes).toBeGreaterThan(300);
    expect(calibration.cachedTokenBytes).toBeLessThan(3000);

    const lines = result.err.split('\n');
    expect(lines[0]).toBe('  0 % starting a gateway and four services');
    expect(lines).toContain('100 % done');
    expect(result.err).not.toContain('\u001B');
    expect(result.err).toContain('A quick run');
    expect(result.err).toContain(`Written to ${out}`);
  });

  it('that is interrupted leaves nothing behind: no process, no key, no file', { timeout: 120_000 }, async () => {
    const temporary = folder();
    const out = join(temporary, 'costs.json');
    const main = fileURLToPath(new URL('../src/main.ts', import.meta.url));
    const command = spawn(process.execPath, [main, 'calibrate', '--quick', '--out', out], {
      env: { ...process.env, TMPDIR: temporary },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    const ended = once(command, 'exit');
    let said = '';
    let most = 0;
    for await (const chunk of command.stderr) {
      said += chunk;
      most = Math.max(most, processesWith(temporary).length);
      if (said.includes('under load') && command.exitCode === null) command.kill('SIGINT');
    }
    expect(await ended).toEqual([1, null]);
    expect(said).toContain('warming up');
    // The command, the gateway and four services; elsewhere than on Linux nobody can be found.
    if (process.platform === 'linux') expect(most).toBe(6);
    expect(readdirSync(temporary)).toEqual([]);
    await vi.waitUntil(() => processesWith(temporary).length === 0, { timeout: 10_000 });
  });

  it('takes about a minute', () => {
    // Without starting processes, octets and memory: some 10 s.
    expect(durationOf(FULL_PLAN)).toBeLessThan(52_000);
    expect(durationOf(QUICK_PLAN)).toBeLessThan(5000);
  });
});

describe('the progress bar', () => {
  const shown = (errIsTTY: boolean): string => {
    const terminal = { ...createTerminal(), errIsTTY };
    const bar = createProgressBar(terminal);
    bar.show(0, 'first');
    bar.show(0.25, 'first');
    bar.show(0.5, 'second');
    bar.end();
    return terminal.text.err;
  };

  it('is one line that is redrawn, and removed, on a terminal', () => {
    expect(shown(true).split('\r\u001B[2K')).toEqual([
      '',
      `[${'.'.repeat(24)}]   0 % first`,
      `[${'#'.repeat(6)}${'.'.repeat(18)}]  25 % first`,
      `[${'#'.repeat(12)}${'.'.repeat(12)}]  50 % second`,
      '',
    ]);
  });

  it('is a line for each step elsewhere', () => {
    expect(shown(false)).toBe('  0 % first\n 50 % second\n');
  });
});

describe('a process of the calibration', () => {
  it('that is asked something impossible says so; one that has ended, too', async () => {
    const child = new CalibrationChild('gateway', 'gateway-process');
    await expect(child.ask('start', { issuers: 'nobody' })).rejects.toThrow('gateway of the calibration: ');
    await child.stop();
    await expect(child.ask('read')).rejects.toThrow('gateway of the calibration has ended');
  });
});
