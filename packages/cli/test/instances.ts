/** Real gateway processes on fixed ports, and requests to them. */
import { type ChildProcess, spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { type Agent, type IncomingMessage, createServer, request } from 'node:http';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';

const COMMAND = fileURLToPath(new URL('../bin/watchword.js', import.meta.url));

/** One place for a process: it may be killed and started again. */
export interface Instance {
  readonly port: number;
  readonly control: number;
  readonly process: ChildProcess;
  /** Everything on standard error. */
  readonly err: string;
  /** Starts it (again). Resolves when it listens. */
  start(): Promise<void>;
  /** Sends a signal; resolves with the exit code when it is gone, null after SIGKILL. */
  end(signal: 'SIGTERM' | 'SIGKILL'): Promise<number | null>;
  isReady(): Promise<boolean>;
}

/**
 * @param writeConfig writes a configuration for these ports and returns its name
 * @param nodeOptions options of Node
 */
export async function startInstance(
  writeConfig: (port: number, control: number) => string,
  nodeOptions: readonly string[] = [],
): Promise<Instance> {
  const [port, control] = await Promise.all([freePort(), freePort()]);
  const file = writeConfig(port, control);
  let child: ChildProcess;
  let err = '';
  onTestFinished(() => void child.kill('SIGKILL'));
  const instance: Instance = {
    port,
    control,
    get process() {
      return child;
    },
    get err() {
      return err;
    },
    start() {
      child = spawn(process.execPath, [...nodeOptions, COMMAND, 'gateway', '-c', file], { stdio: ['ignore', 'ignore', 'pipe'] });
      return new Promise((resolve, reject) => {
        child.once('exit', (code) => reject(new Error(`The gateway ended with ${code}: ${err}`)));
        child.stderr!.setEncoding('utf8').on('data', (text: string) => {
          err += text;
          if (text.includes('listens on')) resolve();
        });
      });
    },
    end(signal) {
      const exited = new Promise<number | null>((resolve) => child.once('exit', (code) => resolve(code)));
      child.kill(signal);
      return exited;
    },
    isReady: async () => (await get(control, '/readyz', {}, undefined, 1000)) === 200,
  };
  await instance.start();
  return instance;
}

/** Status of one request; 0: no whole answer. */
export function get(
  port: number,
  path: string,
  headers: Record<string, string>,
  agent: Agent | undefined,
  timeout = 10_000,
): Promise<number> {
  const options = { host: '127.0.0.1', port, path, headers, agent: agent ?? false, timeout };
  return new Promise((resolve) => {
    const sent = request(options, (response: IncomingMessage) => {
      response.resume();
      response.on('end', () => resolve(response.complete ? response.statusCode! : 0));
      response.on('error', () => resolve(0));
    });
    sent.on('timeout', () => sent.destroy());
    sent.on('error', () => resolve(0));
    sent.end();
  });
}

/** A port of loopback that was free a moment ago: below those that systems give away, which are taken again at once. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(15_000, 32_000);
    const server = createServer();
    const isFree = await new Promise<boolean>((resolve) => {
      server.once('error', () => resolve(false)).listen(port, '127.0.0.1', () => resolve(true));
    });
    if (!isFree) continue;
    await new Promise((resolve) => server.close(resolve));
    return port;
  }
}
