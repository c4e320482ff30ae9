/** A server that a test starts: own port, own folder, ended by its process id. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

/** A running server. */
export interface ServerProcess {
  /** The line that said that it is ready. */
  readonly ready: string;
  readonly folder: string;
  stop(): Promise<void>;
}

/** What to start. */
export interface ServerCommand {
  readonly command: string;
  /** Gets the folder of its own. */
  readonly args: (folder: string) => readonly string[];
  readonly env?: (folder: string) => Readonly<Record<string, string>>;
  /** What it writes when it is ready. */
  readonly ready: RegExp;
}

/** Starts it and waits until it is ready. */
export async function startServerProcess({ command, args, env, ready }: ServerCommand): Promise<ServerProcess> {
  const folder = mkdtempSync(join(tmpdir(), 'watchword-server-'));
  const child = spawn(command, args(folder), { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...env?.(folder) } });
  const exited = once(child, 'exit');
  const line = await Promise.race([firstMatch(child, ready), exited.then(() => undefined)]);
  const stop = async (): Promise<void> => {
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGTERM');
    const killer = setTimeout(() => child.kill('SIGKILL'), 15_000);
    await exited;
    clearTimeout(killer);
    rmSync(folder, { recursive: true, force: true });
  };
  if (line !== undefined) return { ready: line, folder, stop };
  await stop();
  throw new Error(`${command} did not start`);
}

/** Whether a command can be run. */
export function canRun(command: string, ...args: readonly string[]): boolean {
  return spawnSync(command, args, { stdio: 'ignore' }).error === undefined;
}

/** A port of 127.0.0.1 that nobody uses now. */
export async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address() as AddressInfo;
  probe.close();
  await once(probe, 'close');
  return port;
}

function firstMatch(child: ChildProcess, ready: RegExp): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>();
  // Read to the end, or the server would stop at a full pipe.
  for (const stream of [child.stdout!, child.stderr!]) {
    createInterface(stream).on('line', (line) => {
      if (ready.test(line)) resolve(line);
    });
  }
  return promise;
}
