import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { expect, it } from 'vitest';

const MAIN = join(import.meta.dirname, '../src/main.ts');
const LIMIT_MS = 180_000;

it.runIf(process.env['WATCHWORD_LONG'] !== undefined)(
  'a quick run measures everything and writes its file',
  { timeout: LIMIT_MS },
  () => {
    const folder = mkdtempSync(join(tmpdir(), 'watchword-bench-test-'));
    try {
      const json = join(folder, 'result.json');
      const { status, stdout } = spawnSync(process.execPath, [MAIN, '--quick', '--json', json], {
        encoding: 'utf8',
        timeout: LIMIT_MS,
      });
      expect(status).toBe(0);
      expect(stdout).toContain('too short for figures to be quoted');
      const { verify, gateway, machine } = JSON.parse(readFileSync(json, 'utf8'));
      expect(machine.node).toBe(process.version);
      expect(verify.comparisons.length).toBeGreaterThan(1);
      expect(gateway.targets).toHaveLength(2);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  },
);
