/** Replaces the configuration of a running gateway, or keeps it: whatever goes wrong, the old one stays in force (S19). */
import { ConfigError } from '../config/config-error.ts';
import type { GatewayConfig } from '../config/config.ts';
import { configErrorAt, fileNameOf } from '../config/locate.ts';
import { loadConfig } from '../config/parse.ts';
import type { Logger } from '../logger.ts';
import type { ReloadStats } from './reload-stats.ts';
import { assertReloadable } from './reloadable.ts';

/** What a reloader works on. */
export interface ReloaderOptions {
  readonly config: GatewayConfig;
  readonly stats: ReloadStats;
  readonly logger: Logger;
  /** Builds all of the new configuration, then swaps; when it rejects, nothing has changed. */
  readonly apply: (next: GatewayConfig) => Promise<void>;
}

/** One at a time, in the order in which they were asked for. */
export class Reloader {
  readonly #options: ReloaderOptions;
  #active: GatewayConfig;
  #last: Promise<unknown> = Promise.resolve();
  /** A reading of the file that has not begun: whoever asks now means the same. */
  #queued: Promise<void> | undefined;
  #isClosed = false;

  constructor(options: ReloaderOptions) {
    this.#options = options;
    this.#active = options.config;
  }

  /**
   * Puts `config` in force; undefined: what its file says now.
   * @throws ConfigError (as a rejection) with every reason; the old configuration is in force
   */
  reload(config?: GatewayConfig): Promise<void> {
    if (config === undefined && this.#queued !== undefined) return this.#queued;
    const result = this.#last.then(() => {
      if (config === undefined) this.#queued = undefined;
      return this.#replace(config);
    });
    this.#last = result.catch(() => {});
    if (config === undefined) this.#queued = result;
    return result;
  }

  /** Resolves when nothing is under way; what is asked for from now on is refused. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#last;
  }

  async #replace(config: GatewayConfig | undefined): Promise<void> {
    const { stats, logger, apply } = this.#options;
    try {
      if (this.#isClosed) throw configErrorAt(this.#active, [], 'the gateway is stopping');
      const next = config ?? this.#read();
      assertReloadable(this.#active, next);
      await apply(next);
      this.#active = next;
      stats.countApplied(next);
      logger.info({ config: stats.hash }, 'configuration reloaded');
    } catch (error) {
      stats.refused += 1;
      logger.error({ reasons: reasonsOf(error), config: stats.hash }, 'configuration not reloaded: the old one stays in force');
      throw error;
    }
  }

  #read(): GatewayConfig {
    const fileName = fileNameOf(this.#active);
    if (fileName === undefined) throw configErrorAt(this.#active, [], 'did not come from a file');
    return loadConfig(fileName);
  }
}

// A ConfigError says nothing but places, names of settings and our own words. What another error says could be anything (E12).
function reasonsOf(error: unknown): string[] {
  if (error instanceof ConfigError) return error.message.split('\n');
  return [error instanceof Error ? error.name : 'unknown'];
}
