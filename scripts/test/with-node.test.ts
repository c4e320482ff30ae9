import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const SCRIPTS = join(import.meta.dirname, '..');
const NPM_SECONDS = 60_000;

interface Outcome {
  readonly code: number;
  readonly output: string;
}

// A repository of its own with one dependency in a folder: npm needs no network for it.
let root: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'with-node-'));
  cpSync(SCRIPTS, join(root, 'scripts'), { recursive: true });
  write('dependency/package.json', JSON.stringify({ name: 'dependency', version: '1.0.0' }));
  write(
    'package.json',
    JSON.stringify({ name: 'fixture', private: true, workspaces: [], dependencies: { dependency: 'file:dependency' } }),
  );
  write('exit.mjs', "console.log('arguments', process.argv.slice(2).join(' '), 'path', process.env.PATH);\nprocess.exit(7);");
});
afterEach(() => rmSync(root, { recursive: true }));

function write(path: string, text: string): void {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), text);
}

function start(args: readonly string[], env: NodeJS.ProcessEnv = {}): ChildProcess {
  const { npm_execpath: _npm, npm_lifecycle_event: _event, ...inherited } = process.env;
  const stdio = ['ignore', 'pipe', 'pipe'] as const;
  return spawn(process.execPath, ['scripts/with-node.mjs', ...args], {
    cwd: root,
    env: { ...inherited, ...env },
    stdio: [...stdio],
  });
}

async function finish(child: ChildProcess): Promise<Outcome> {
  let output = '';
  for (const stream of [child.stdout!, child.stderr!]) stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const [code] = (await once(child, 'close')) as [number];
  return { code, output };
}

const run = (...args: string[]): Promise<Outcome> => finish(start(['--no-build', ...args]));

describe('with-node refuses', () => {
  it('to run nothing', async () => {
    expect(await finish(start([]))).toEqual({ code: 2, output: expect.stringContaining('usage') });
  });

  it(
    'to go on when the dependencies cannot be installed, and lets the next run try again',
    { timeout: NPM_SECONDS },
    async () => {
      rmSync(join(root, 'dependency'), { recursive: true });
      write(
        'package.json',
        JSON.stringify({ name: 'fixture', private: true, workspaces: [], dependencies: { dependency: 'file:none.tgz' } }),
      );
      expect(await run('exit.mjs')).toEqual({ code: 1, output: expect.stringContaining('npm could not install') });
      expect(existsSync(join(root, '.watchword', 'setup.lock'))).toBe(false);
    },
  );
});

describe('with-node', () => {
  it(
    'installs once, and runs the script with its arguments, its exit code and the tools of the repository',
    { timeout: NPM_SECONDS },
    async () => {
      const first = await run('exit.mjs', 'one', '--two');
      expect(first.code).toBe(7);
      expect(first.output).toContain('Installing');
      expect(first.output).toContain(`arguments one --two path ${join(root, 'node_modules', '.bin')}:`);
      expect(existsSync(join(root, 'node_modules', 'dependency'))).toBe(true);

      // Without npm on the path there is no network either.
      const second = await finish(start(['--no-build', 'exit.mjs'], { PATH: '/nowhere' }));
      expect(second).toEqual({ code: 7, output: expect.not.stringContaining('Installing') });
    },
  );

  it('installs again when a package.json asks for something else', { timeout: NPM_SECONDS }, async () => {
    await run('exit.mjs');
    write('other/package.json', JSON.stringify({ name: 'other', version: '1.0.0' }));
    write(
      'package.json',
      JSON.stringify({
        name: 'fixture',
        private: true,
        workspaces: [],
        dependencies: { dependency: 'file:dependency', other: 'file:other' },
      }),
    );
    expect((await run('exit.mjs')).output).toContain('Installing');
    expect(existsSync(join(root, 'node_modules', 'other'))).toBe(true);
  });

  it('takes over from a set-up that was killed, whose lock is still there', { timeout: NPM_SECONDS }, async () => {
    const dead = start([]);
    await finish(dead);
    write('.watchword/setup.lock', String(dead.pid));
    expect((await run('exit.mjs')).code).toBe(7);
  });

  it('waits for a set-up that is running', { timeout: NPM_SECONDS }, async () => {
    write('.watchword/setup.lock', String(process.pid));
    const child = start(['--no-build', 'exit.mjs']);
    const finished = finish(child);
    const [line] = (await once(child.stdout!, 'data')) as [Buffer];
    expect(line.toString()).toContain('Waiting for another');
    rmSync(join(root, '.watchword', 'setup.lock'));
    expect((await finished).code).toBe(7);
  });

  it.each([
    ['forwards signals', "process.on('SIGTERM', () => process.exit(3)); setInterval(() => {}, 1000); console.log('up');", 3],
    ['reports a script that a signal ended as a shell does', "setInterval(() => {}, 1000); console.log('up');", 143],
  ])('%s', { timeout: NPM_SECONDS }, async (_, script, code) => {
    write('long.mjs', script);
    await run('exit.mjs');
    const child = start(['--no-build', 'long.mjs']);
    const finished = finish(child);
    await once(child.stdout!, 'data');
    child.kill('SIGTERM');
    expect((await finished).code).toBe(code);
  });
});
