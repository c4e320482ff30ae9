/** Processes that can be killed and started again on the same ports: gateways that accept, gateways that work, who tells keys, Redis. */
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { WATCHWORD } from '../edge/proxies.ts';
import { Child, fromSource } from '../process/child.ts';
import { NativeServer } from '../process/native.ts';
import type { ProviderOptions } from './provider.ts';

/** What a victim does. */
export type Role = 'accepts' | 'works' | 'stores' | 'publishes';

/** One place for a process. */
export interface Victim {
  readonly name: string;
  readonly role: Role;
  readonly isUp: boolean;
  /** Starts it; resolves when it listens. Does nothing when it is up. */
  start(): Promise<void>;
  /** Ends it as a crash does; resolves when it is gone. */
  kill(): Promise<void>;
}

/** The port may still be in somebody's hands; a process that has just begun may be killed with its store. */
const START_ATTEMPTS = 10;

/** A gateway with this configuration. */
export function gatewayVictim(name: string, role: Role, config: string): Victim {
  return new Place(name, role, async () => {
    const child = await Child.start({
      name,
      script: WATCHWORD,
      args: ['gateway', '--config', config],
      nodeOptions: ['--import', fromSource('process/cpu-meter.ts')],
      // Most of a start is reading modules: who is killed all the time would do nothing else.
      env: { NODE_COMPILE_CACHE: join(dirname(config), 'compiled') },
    });
    try {
      await child.written(/listens on/);
    } catch (error) {
      await child.kill();
      throw error;
    }
    return child;
  });
}

/** Who tells keys. */
export function providerVictim(options: ProviderOptions): Victim {
  const spec = { name: 'provider', script: 'chaos/provider.ts', args: [JSON.stringify(options)] };
  return new Place('provider', 'publishes', () => Child.start(spec));
}

/** Redis that writes each command to its file before it answers. */
export function redisVictim(port: number, folder: string): Victim {
  const durable = ['--save', '', '--appendonly', 'yes', '--appendfsync', 'always', '--dir', join(folder)];
  const args = ['--port', String(port), '--bind', '127.0.0.1', '--loglevel', 'warning', ...durable];
  return new Place('redis', 'stores', () =>
    NativeServer.start({ name: 'redis-server', command: 'redis-server', args, port, core: undefined }),
  );
}

class Place implements Victim {
  readonly name: string;
  readonly role: Role;
  readonly #spawn: () => Promise<{ kill(): Promise<void> }>;
  #process: { kill(): Promise<void> } | undefined;

  constructor(name: string, role: Role, spawn: () => Promise<{ kill(): Promise<void> }>) {
    this.name = name;
    this.role = role;
    this.#spawn = spawn;
  }

  get isUp(): boolean {
    return this.#process !== undefined;
  }

  async start(): Promise<void> {
    for (let attempt = 1; this.#process === undefined; attempt += 1) {
      try {
        this.#process = await this.#spawn();
      } catch (error) {
        if (attempt === START_ATTEMPTS) throw error;
        await delay(100 * attempt);
      }
    }
  }

  async kill(): Promise<void> {
    const running = this.#process;
    this.#process = undefined;
    await running?.kill();
  }
}
