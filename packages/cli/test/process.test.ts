/** The command as a process: signals while it is being loaded, and streams that nobody reads any more. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { describe, expect, onTestFinished, test } from 'vitest';
import { type HeldSignals, type ServiceSignal, type SignalSource, holdSignals } from '../src/early-signals.ts';
import { createFiles } from './support.ts';

const COMMAND = fileURLToPath(new URL('../bin/watchword.js', import.meta.url));
const PATIENCE_MS = 60_000;

function start(args: readonly string[], nodeOptions: readonly string[] = []): ChildProcess {
  const child = spawn(process.execPath, [...nodeOptions, COMMAND, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  return child;
}

/** Sends the process a signal as soon as it begins to load the command itself. */
function signalWhileLoading(signal: ServiceSignal): string {
  const code = `
    import { registerHooks } from 'node:module';
    registerHooks({ resolve(name, context, next) {
      if (name.includes('run-process')) process.kill(process.pid, '${signal}');
      return next(name, context);
    } });`;
  return `--import=data:text/javascript,${encodeURIComponent(code)}`;
}

async function untilText(child: ChildProcess, wanted: string): Promise<string> {
  let text = '';
  for await (const chunk of child.stderr!.setEncoding('utf8').iterator({ destroyOnReturn: false })) {
    text += chunk as string;
    if (text.includes(wanted)) return text;
  }
  throw new Error(`ended without "${wanted}": ${text}`);
}

describe('signals while the command is being loaded', () => {
  test('SIGHUP: the gateway starts, and reads its configuration again', { timeout: PATIENCE_MS }, async () => {
    const child = start(['gateway', '-c', createFiles().config], [signalWhileLoading('SIGHUP')]);
    expect(await untilText(child, 'has reloaded')).toContain('listens on');
    child.kill('SIGTERM');
    expect(await once(child, 'exit')).toEqual([0, null]);
  });

  test('SIGTERM: the gateway stops as always', { timeout: PATIENCE_MS }, async () => {
    const child = start(['gateway', '-c', createFiles().config], [signalWhileLoading('SIGTERM')]);
    await untilText(child, 'finishes running requests');
    expect(await once(child, 'exit')).toEqual([0, null]);
  });

  test('what is no service ends at once', { timeout: PATIENCE_MS }, async () => {
    const child = start(['plan'], [signalWhileLoading('SIGTERM')]);
    expect(await once(child, 'exit')).toEqual([null, 'SIGTERM']);
  });
});

describe('held signals', () => {
  function hold(args: readonly string[]): { send: (signal: ServiceSignal) => void; exits: number[]; held: HeldSignals } {
    const listeners = new Map<ServiceSignal, Set<() => void>>();
    const exits: number[] = [];
    const of = (signal: ServiceSignal): Set<() => void> => listeners.get(signal) ?? new Set();
    const source: SignalSource = {
      on: (signal, listener) => void listeners.set(signal, of(signal).add(listener)),
      removeListener: (signal, listener) => of(signal).delete(listener),
      exit: (code) => void exits.push(code),
    };
    return { held: holdSignals(args, source), exits, send: (signal) => of(signal).forEach((listener) => listener()) };
  }

  test('are handed on once, and later ones as they come', () => {
    const { held, send, exits } = hold(['gateway']);
    send('SIGTERM');
    const heard: string[] = [];
    held.on('SIGINT', () => heard.push('int'));
    held.on('SIGTERM', () => heard.push('term'));
    expect(heard).toEqual(['term']);
    send('SIGTERM');
    expect(heard).toEqual(['term', 'term']);
    expect(exits).toEqual([]);
  });

  test('a second one to stop ends the process at once, reloads in between do not', () => {
    const { send, exits } = hold(['token-service']);
    for (const signal of ['SIGHUP', 'SIGHUP', 'SIGTERM', 'SIGHUP'] as const) send(signal);
    expect(exits).toEqual([]);
    send('SIGINT');
    expect(exits).toEqual([1]);
  });
});

describe('streams that nobody reads any more', () => {
  test('results: no failure', { timeout: PATIENCE_MS }, async () => {
    const child = start(['plan', '--json']);
    child.stdout!.destroy();
    let err = '';
    child.stderr!.setEncoding('utf8').on('data', (text: string) => (err += text));
    expect(await once(child, 'close')).toEqual([0, null]);
    expect(err).toBe('');
  });

  test('messages of a gateway: it stops as always, and not at once with exit code 1', { timeout: PATIENCE_MS }, async () => {
    const child = start(['gateway', '-c', createFiles().config]);
    await untilText(child, 'listens on');
    child.stderr!.destroy();
    child.kill('SIGTERM');
    expect(await once(child, 'exit')).toEqual([0, null]);
  });
});
