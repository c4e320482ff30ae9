/** What keeps installed servers from being started, on a file of its own. */
import { spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { withoutServiceStarts } from '../suite/service-starts.mjs';

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'watchword-policy-'));
  path = join(folder, 'policy-rc.d');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const answer = (): number | null => spawnSync(path, ['nginx', 'start']).status;

test('services are refused while it runs, and nothing stays behind', async () => {
  expect(await withoutServiceStarts(answer, path)).toBe(101);
  expect(readdirSync(folder)).toEqual([]);
});

test('a policy that was there is put back, mode and all, also after a failure', async () => {
  writeFileSync(path, '#!/bin/sh\nexit 7\n', { mode: 0o750 });
  const failing = withoutServiceStarts(() => {
    expect(answer()).toBe(101);
    throw new Error('apt failed');
  }, path);
  await expect(failing).rejects.toThrow('apt failed');
  expect(answer()).toBe(7);
  expect(statSync(path).mode & 0o777).toBe(0o750);
  expect(readdirSync(folder)).toEqual(['policy-rc.d']);
});

test('a link that leads nowhere is put back too', async () => {
  symlinkSync('/nowhere', path);
  await withoutServiceStarts(() => expect(answer()).toBe(101), path);
  expect(existsSync('/nowhere')).toBe(false);
  expect(readdirSync(folder)).toEqual(['policy-rc.d']);
});

test('a run that was killed is cleaned up after', async () => {
  writeFileSync(path, '#!/bin/sh\nexit 101\n', { mode: 0o755 });
  writeFileSync(`${path}.before-watchword`, '#!/bin/sh\nexit 7\n', { mode: 0o755 });
  await withoutServiceStarts(() => expect(answer()).toBe(101), path);
  expect(readFileSync(path, 'utf8')).toContain('exit 7');
});

test('a run that was killed where there was no policy leaves none for good', async () => {
  await withoutServiceStarts(() => writeFileSync(`${path}.copy`, readFileSync(path)), path);
  renameSync(`${path}.copy`, path);
  await withoutServiceStarts(() => {}, path);
  expect(readdirSync(folder)).toEqual([]);
});

test('Ctrl-C while it runs: everything is put back first', () => {
  const script = `
    import { withoutServiceStarts } from ${JSON.stringify(new URL('../suite/service-starts.mjs', import.meta.url).href)};
    await withoutServiceStarts(() => process.kill(process.pid, 'SIGINT'), ${JSON.stringify(path)});
    setTimeout(() => console.log('went on'), 1000);`;
  const { signal, stdout } = spawnSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' });
  expect([signal, stdout]).toEqual(['SIGINT', '']);
  expect(readdirSync(folder)).toEqual([]);
});
