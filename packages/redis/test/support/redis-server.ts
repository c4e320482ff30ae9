/** A Redis server of one test: own port, own folder, started and ended by its process id. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

/** Whether there is a Redis to test with. */
export const hasRedis: boolean = spawnSync('redis-server', ['--version'], { stdio: 'ignore' }).status === 0;

export class RedisServer {
  readonly port: number;
  readonly #folder: string;
  #process: ChildProcess | undefined;

  readonly #sync: 'always' | 'everysec';
  readonly #options: readonly string[];

  private constructor(port: number, sync: 'always' | 'everysec', options: readonly string[] = [], place: string = tmpdir()) {
    this.port = port;
    this.#folder = mkdtempSync(join(place, 'watchword-redis-'));
    this.#sync = sync;
    this.#options = options;
  }

  /** `everysec` is Redis's default; it acknowledges writes that a kill -9 may take, because it holds them back during a sync. */
  static async start(sync: 'always' | 'everysec' = 'everysec'): Promise<RedisServer> {
    const server = new RedisServer(await freePort(), sync);
    await server.restart();
    return server;
  }

  /** As it is run where nothing may be lost, but in memory where there is such a place: for tests of what is done, not of a disk. */
  static async startFast(...options: readonly string[]): Promise<RedisServer> {
    const place = existsSync('/dev/shm') ? '/dev/shm' : tmpdir();
    const server = new RedisServer(await freePort(), 'always', options, place);
    await server.restart();
    return server;
  }

  /** A server that follows this one, until it is told otherwise. */
  async startReplica(): Promise<RedisServer> {
    const replica = new RedisServer(await freePort(), this.#sync, ['--replicaof', `127.0.0.1 ${this.port}`]);
    await replica.restart();
    return replica;
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  /** Starts it again, with what is left of its data. */
  async restart(): Promise<void> {
    const options = [
      '--port',
      `${this.port}`,
      '--bind',
      '127.0.0.1',
      '--save',
      '',
      '--appendonly',
      'yes',
      '--appendfsync',
      this.#sync,
      '--dir',
      this.#folder,
      // A replica that comes need not wait for others.
      '--repl-diskless-sync-delay',
      '0',
      ...this.#options,
    ];
    const child = spawn('redis-server', options, { stdio: ['ignore', 'pipe', 'inherit'] });
    this.#process = child;
    for await (const line of createInterface(child.stdout)) {
      if (!line.includes('Ready to accept connections')) continue;
      child.stdout.resume();
      return;
    }
    throw new Error('redis-server did not start');
  }

  /** kill -9. */
  async kill(): Promise<void> {
    const child = this.#process!;
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGKILL');
    await once(child, 'exit');
  }

  freeze(): void {
    this.#process!.kill('SIGSTOP');
  }

  thaw(): void {
    this.#process!.kill('SIGCONT');
  }

  /** Everything that was written, acknowledged or not, is gone. Only while it is not running. */
  loseData(): void {
    rmSync(join(this.#folder, 'appendonlydir'), { recursive: true });
  }

  /** Cuts the last transaction off after `share` of it, as a kill in the middle of a write does. Only while it is not running. */
  tearLastTransaction(share: number): void {
    const folder = join(this.#folder, 'appendonlydir');
    const name = readdirSync(folder).find((file) => file.endsWith('.incr.aof'))!;
    const content = readFileSync(join(folder, name));
    const from = content.lastIndexOf('*1\r\n$5\r\nMULTI\r\n');
    writeFileSync(join(folder, name), content.subarray(0, from + Math.floor(share * (content.length - from))));
  }

  /** Copies what is on disk now. */
  backUp(): void {
    cpSync(join(this.#folder, 'appendonlydir'), join(this.#folder, 'backup'), { recursive: true });
  }

  /** Goes back to the copy, as a failover to a replica that was behind does. Only while it is not running. */
  restore(): void {
    this.loseData();
    cpSync(join(this.#folder, 'backup'), join(this.#folder, 'appendonlydir'), { recursive: true });
  }

  async destroy(): Promise<void> {
    await this.kill();
    rmSync(this.#folder, { recursive: true });
  }
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address() as AddressInfo;
  probe.close();
  await once(probe, 'close');
  return port;
}
