import { execFile, spawn } from 'node:child_process';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { run } from '../src/index.ts';
import { createFiles, createTerminal, watchword } from './support.ts';

const COMMAND = fileURLToPath(new URL('../bin/watchword.js', import.meta.url));

describe('usage', () => {
  test('wrong usage: exit 2', async () => {
    for (const args of [['gateway'], ['gateway', '--config'], ['nope'], ['--nope'], ['gateway', '-c', 'x', 'extra'], []]) {
      expect(await watchword(args), args.join(' ')).toMatchObject({ code: 2, out: '' });
    }
  });

  test('--help everywhere, with examples; --version', async () => {
    for (const args of [
      ['--help'],
      ['help'],
      ['gateway', '--help'],
      ['verify', '--help'],
      ['revoke', '--help'],
      ['help', 'verify'],
    ]) {
      const result = await watchword(args);
      expect(result, args.join(' ')).toMatchObject({ code: 0, err: '' });
      expect(result.out).toContain('Examples:\n  $ ');
    }
    expect(await watchword(['--version'])).toEqual({ code: 0, out: '0.1.0\n', err: '' });
  });
});

describe('gateway --check', () => {
  test('E13: says what is wrong and where: exit 1', async () => {
    const files = createFiles('limits: {bodyBytes: -1}\n');
    expect(await watchword(['gateway', '-c', files.config, '--check'])).toEqual({
      code: 1,
      out: '',
      err: `${files.config}:17:21: limits.bodyBytes: must be at least 0\n`,
    });
    const keys = createFiles();
    keys.write('jwks.json', '{');
    expect(await watchword(['gateway', '-c', keys.config, '--check'])).toMatchObject({
      code: 1,
      err: expect.stringContaining(':7:15: issuers[0].jwksFile: is not JSON'),
    });
    expect(await watchword(['gateway', '-c', '/nonexistent', '--check'])).toMatchObject({
      code: 1,
      err: '/nonexistent: cannot be read (ENOENT)\n',
    });
  });

  test('reads every file that the gateway would read', async () => {
    const files = createFiles('', 'listen: {port: 0}\ncontrol: {port: 0, secretFile: operators.secret}\n');
    expect(await watchword(['gateway', '-c', files.config, '--check'])).toMatchObject({
      code: 1,
      out: '',
      err: expect.stringContaining('control.secretFile: cannot be read (ENOENT)'),
    });
  });

  test('a good one: exit 0, nothing is started', async () => {
    const files = createFiles();
    expect(await watchword(['gateway', '-c', files.config, '--check'])).toEqual({
      code: 0,
      out: `${files.config}: good: 1 routes, 1 issuers\n`,
      err: '',
    });
  });
});

describe('gateway', () => {
  test('E13: a port that is taken: exit 1 and the line of the setting', async () => {
    const squatter = createServer();
    await new Promise<void>((resolve) => squatter.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void squatter.close());
    const { port } = squatter.address() as AddressInfo;
    const files = createFiles('', `listen: {port: ${port}}\ncontrol: {port: 0}\n`);
    expect(await watchword(['gateway', '-c', files.config])).toEqual({
      code: 1,
      out: '',
      err: `${files.config}:1:16: listen.port: 127.0.0.1:${port} is already in use\n`,
    });
  });

  test('prints its addresses, stops on a signal, and at once on a second one', async () => {
    const files = createFiles();
    const terminal = createTerminal();
    const running = run(['gateway', '-c', files.config], terminal);
    await vi.waitUntil(() => terminal.text.err.includes('control on'));
    const [, port, control] = /listens on http:\/\/127\.0\.0\.1:(\d+), control on http:\/\/127\.0\.0\.1:(\d+)\n/.exec(
      terminal.text.err,
    )!;
    expect((await fetch(`http://127.0.0.1:${control}/readyz`)).status).toBe(200);
    expect((await fetch(`http://127.0.0.1:${port}/orders/1`)).status).toBe(401);
    terminal.stop();
    terminal.stop();
    expect(terminal.exits).toEqual([1]);
    expect(await running).toBe(0);
    await expect(fetch(`http://127.0.0.1:${control}/healthz`)).rejects.toThrow();
  });
});

test('gateway says where other proxies find its decisions', async () => {
  const files = createFiles('decisionService: {extAuthz: {listen: {port: 0}}, forwardAuth: {style: caddy, listen: {port: 0}}}\n');
  const terminal = createTerminal();
  const running = run(['gateway', '-c', files.config], terminal);
  await vi.waitUntil(() => terminal.text.err.includes('listens on'), { timeout: 10_000 });
  const [, forward] = /, ext_authz on 127\.0\.0\.1:\d+, forward auth on http:\/\/127\.0\.0\.1:(\d+)\n/.exec(terminal.text.err)!;
  expect((await fetch(`http://127.0.0.1:${forward}`)).status).toBe(400);
  terminal.stop();
  expect(await running).toBe(0);
});

describe('the command itself, as a process', () => {
  test('SIGTERM: exit 0', async () => {
    const files = createFiles();
    const child = spawn(process.execPath, [COMMAND, 'gateway', '-c', files.config], { stdio: ['ignore', 'ignore', 'pipe'] });
    onTestFinished(() => void child.kill('SIGKILL'));
    let err = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => (err += text));
    await vi.waitUntil(() => err.includes('listens on'), { timeout: 10_000 });
    const exited = new Promise((resolve) => child.on('exit', (code) => resolve(code)));
    child.kill('SIGTERM');
    expect(await exited).toBe(0);
  });

  test('SIGHUP and SIGTERM while it starts neither kill it nor are they lost', async () => {
    const files = createFiles();
    const terminal = createTerminal();
    const running = run(['gateway', '-c', files.config], terminal);
    terminal.hangUp();
    terminal.stop();
    expect(await running).toBe(0);
    expect(terminal.exits).toEqual([]);
    expect(terminal.text.err).toContain('listens on');
    await vi.waitUntil(() => terminal.text.err.includes('reloaded its configuration'));
  });

  test('exit codes of verify and of wrong usage reach the shell', async () => {
    const files = createFiles();
    const codeOf = (...args: string[]): Promise<number> =>
      new Promise((resolve) =>
        execFile(process.execPath, [COMMAND, ...args], (error) => resolve(error === null ? 0 : Number(error.code))).stdin!.end(),
      );
    expect(await codeOf('verify', '-c', files.config, 'junk')).toBe(1);
    expect(await codeOf('verify', '-c', files.config)).toBe(2);
    expect(await codeOf('--version')).toBe(0);
  });
});
