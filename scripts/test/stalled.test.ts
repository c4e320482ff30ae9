/** Runs of the tests that would never end. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { expect, onTestFinished, test } from 'vitest';

const root = join(import.meta.dirname, '../..');

/** Runs one test file under the reporter. */
async function run(content: string, silenceMs: number): Promise<{ code: number | null; output: string; folder: string }> {
  // Below the repository: it imports vitest.
  mkdirSync(join(root, '.watchword'), { recursive: true });
  const folder = mkdtempSync(join(root, '.watchword', 'stalled-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  writeFileSync(join(folder, 'some.test.mjs'), content);
  writeFileSync(join(folder, 'vitest.config.mjs'), "export default { test: { include: ['*.test.mjs'], pool: 'forks' } };");
  const reporters = ['--reporter=default', `--reporter=${join(root, 'scripts/suite/stall-reporter.mjs')}`];
  const vitest = [join(root, 'node_modules/vitest/vitest.mjs'), 'run', '--root', folder, ...reporters];
  const env = { ...process.env, WATCHWORD_TEST_RUN: `${process.pid}-stalled`, WATCHWORD_TEST_SILENCE_MS: String(silenceMs) };
  const child = spawn(process.execPath, vitest, { env, stdio: ['ignore', 'pipe', 'pipe'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk));
  const [code] = (await once(child, 'exit')) as [number | null];
  return { code, output, folder };
}

test.runIf(process.platform === 'linux')(
  'a process that a test left running, with the output of its worker: it is named and ended, the tests keep their outcome',
  async () => {
    const { code, output, folder } = await run(
      `import { spawn } from 'node:child_process';
       import { writeFileSync } from 'node:fs';
       import { test } from 'vitest';
       test('leaves it', () => {
         const { pid } = spawn('sleep', ['1000'], { stdio: 'inherit', detached: true });
         writeFileSync(new URL('pid', import.meta.url), String(pid));
       });`,
      3000,
    );
    const pid = Number(readFileSync(join(folder, 'pid'), 'utf8'));
    expect(output).toContain(`ended by force: ${pid} sleep 1000`);
    expect(output).toContain('1 passed');
    expect(code).toBe(0);
  },
);

test.runIf(process.platform === 'linux')(
  'a test that waits for ever without giving way: the run fails, and names it',
  async () => {
    const { code, output } = await run(
      `import { test } from 'vitest';
     test('waits', async () => {
       await new Promise((done) => setTimeout(done, 500));
       Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
     });`,
      5000,
    );
    expect(output).toContain('some.test.mjs > waits');
    expect(output).toContain('Worker exited unexpectedly');
    expect(code).toBe(1);
  },
);
