/** A server that is not Node: nginx, HAProxy. Its processor time is read from the system (Linux). */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync, readdirSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import process from 'node:process';
import { setTimeout as delay } from 'node:timers/promises';
import type { Core } from './cores.ts';

/** How to start one. */
export interface NativeSpec {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  /** Port of loopback that it listens on once it is up. */
  readonly port: number;
  readonly core: Core | undefined;
}

const START_LIMIT_MS = 10_000;
const STOP_LIMIT_MS = 3000;

/** One server with all of its processes. */
export class NativeServer {
  readonly port: number;
  readonly #name: string;
  readonly #process: ChildProcess;
  #output = '';

  private constructor({ name, command, args, port, core }: NativeSpec) {
    this.port = port;
    this.#name = name;
    const [program, ...rest] = core === undefined ? [command, ...args] : ['taskset', '-c', String(core), command, ...args];
    this.#process = spawn(program!, rest, { stdio: ['ignore', 'pipe', 'pipe'] });
    this.#process.on('error', (error) => (this.#output += error.message));
    // Unlike a child that answers questions it does not notice when its parent is gone.
    const end = (): void => void this.#process.kill('SIGKILL');
    process.on('exit', end);
    this.#process.on('exit', () => void process.off('exit', end));
    endOnSignal();
    for (const stream of [this.#process.stdout!, this.#process.stderr!])
      stream.on('data', (chunk: Buffer) => (this.#output = (this.#output + chunk.toString()).slice(-4000)));
  }

  /** Starts it and waits until it accepts connections. @throws Error with what it has written */
  static async start(spec: NativeSpec): Promise<NativeServer> {
    const server = new NativeServer(spec);
    const deadline = Date.now() + START_LIMIT_MS;
    while (Date.now() < deadline && server.#process.exitCode === null) {
      if (await accepts(spec.port)) return server;
      await delay(20);
    }
    await server.stop();
    throw new Error(`${spec.name} did not start.\n${server.#output}`);
  }

  /** Processor time of all of its processes so far, in milliseconds. */
  cpuMs(): number {
    return familyOf(this.#process.pid!).reduce((sum, pid) => sum + cpuMsOf(pid), 0);
  }

  /** Ends it; resolves when it is gone. */
  async stop(): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.pid === undefined) return;
    const ended = once(this.#process, 'exit');
    this.#process.kill('SIGTERM');
    const timer = setTimeout(() => this.#process.kill('SIGKILL'), STOP_LIMIT_MS);
    await ended;
    clearTimeout(timer);
  }

  /** Ends it as a crash does; resolves when it is gone. */
  async kill(): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.pid === undefined) return;
    const ended = once(this.#process, 'exit');
    this.#process.kill('SIGKILL');
    await ended;
  }

  /** What people call it. */
  get name(): string {
    return this.#name;
  }
}

/** Whether a program is installed. */
export function isInstalled(command: string): boolean {
  return spawnSync('sh', ['-c', 'command -v "$0"', command], { stdio: 'ignore' }).status === 0;
}

/** Below those that systems give to connections and to whoever lets them choose: those are taken again at once. */
const LOWEST_PORT = 15_000;
const HIGHEST_PORT = 32_000;

const given = new Set<number>();

/** A port of loopback that was free a moment ago, each time another one: for servers that cannot choose one. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(LOWEST_PORT, HIGHEST_PORT);
    if (given.has(port)) continue;
    const server = createServer();
    const isFree = await new Promise<boolean>((resolve) => {
      server.once('error', () => resolve(false)).listen(port, '127.0.0.1', () => resolve(true));
    });
    if (!isFree) continue;
    server.close();
    await once(server, 'close');
    given.add(port);
    return port;
  }
}

let isEndingOnSignal = false;

// Node ends on a signal without telling anybody.
function endOnSignal(): void {
  if (isEndingOnSignal) return;
  isEndingOnSignal = true;
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));
}

async function accepts(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

// nginx and HAProxy do their work in children of the process that was started.
function familyOf(root: number): number[] {
  const parents = new Map<number, number>();
  for (const entry of readdirSync('/proc')) {
    const pid = Number(entry);
    if (Number.isInteger(pid)) parents.set(pid, Number(fieldsOf(pid)?.[1]));
  }
  const family = [root];
  for (const member of family) for (const [pid, parent] of parents) if (parent === member) family.push(pid);
  return family;
}

/** Ticks of the system's clock for processor time: 100 a second on every Linux that Node runs on. */
const TICK_MS = 10;

function cpuMsOf(pid: number): number {
  const fields = fieldsOf(pid);
  return fields === undefined ? 0 : (Number(fields[11]) + Number(fields[12])) * TICK_MS;
}

// proc(5): what comes after the name, which may hold spaces, starts with the state.
function fieldsOf(pid: number): string[] | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return text.slice(text.lastIndexOf(')') + 2).split(' ');
  } catch {
    // It has ended.
    return undefined;
  }
}
