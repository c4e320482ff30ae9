import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { REFERENCE_CALIBRATION } from '@watchword/planner';
import { expect, it, onTestFinished } from 'vitest';
import type { Comparison } from '../../src/model/compare.ts';

interface Report {
  readonly comparisons: readonly Comparison[];
  readonly loads: readonly { readonly measured: { readonly hops: number; readonly wireBytesPerHop: number } }[];
}

it('runs the mesh at two rates and compares it with the planner', { timeout: 240_000 }, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'watchword-bench-model-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const [costs, json] = [join(folder, 'costs.json'), join(folder, 'model.json')];
  writeFileSync(costs, JSON.stringify(REFERENCE_CALIBRATION));
  const main = fileURLToPath(new URL('../../src/model/main.ts', import.meta.url));
  const bench = spawn(process.execPath, [main, '--quick', '--calibration', costs, '--json', json]);
  const [out, err, [code]] = await Promise.all([text(bench.stdout), text(bench.stderr), once(bench, 'exit')]);
  expect(err).toBe('');
  expect(code).toBe(0);
  expect(out).toContain('verification CPU per request');

  const { comparisons, loads } = JSON.parse(readFileSync(json, 'utf8')) as Report;
  expect(comparisons.map(({ figure }) => figure.split(/[ ,]/)[0])).toEqual(
    Array.from({ length: 2 }, () => ['verification', 'hit', 'token']).flat(),
  );
  // Nothing here depends on how busy the machine is; the hit ratio of a few hundred requests varies by some points.
  for (const { figure, error } of comparisons) {
    if (figure.startsWith('token')) expect(Math.abs(error)).toBeLessThan(0.03);
    if (figure.startsWith('hit')) expect(Math.abs(error)).toBeLessThan(8);
  }
  for (const { measured } of loads) {
    expect(measured.hops).toBe(4);
    // A request line, a host and the token are in each; bodies are not.
    expect(measured.wireBytesPerHop).toBeGreaterThan(404 + 60);
    expect(measured.wireBytesPerHop).toBeLessThan(404 + 250);
  }
});
