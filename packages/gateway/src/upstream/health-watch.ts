/** Active health: asks a target now and then, and believes it when it has said the same thing often enough. */
import type { HealthConfig } from '../config/sections/upstreams.ts';
import { askHealth } from './health-probe.ts';
import type { Target } from './target.ts';

/** Whom a change is told, and by which chance. */
export interface HealthWatchOptions {
  readonly config: HealthConfig;
  /** From 0 to below 1. */
  readonly random: () => number;
  readonly onChange: (isHealthy: boolean) => void;
}

/** Asks over connections of its own: a target that is busy is not ill. */
export class HealthWatch {
  readonly #target: Target;
  readonly #options: HealthWatchOptions;
  readonly #stop = new AbortController();
  #timer: NodeJS.Timeout | undefined = undefined;
  #isHealthy = true;
  // Answers in a row that say the opposite of what is believed.
  #against = 0;

  constructor(target: Target, options: HealthWatchOptions) {
    this.#target = target;
    this.#options = options;
    // Not all targets, and not all gateways, at the same moment.
    this.#timer = setTimeout(() => void this.#ask(), options.config.intervalMs * options.random());
    this.#timer.unref();
  }

  /** Asks no more. */
  async stop(): Promise<void> {
    this.#stop.abort();
    clearTimeout(this.#timer);
    await this.#target.destroy();
  }

  async #ask(): Promise<void> {
    const { config } = this.#options;
    const limit = AbortSignal.any([this.#stop.signal, AbortSignal.timeout(config.timeoutMs)]);
    this.#learn(await askHealth(this.#target, config, limit));
    if (this.#stop.signal.aborted) return;
    const spread = 0.9 + this.#options.random() / 5;
    this.#timer = setTimeout(() => void this.#ask(), config.intervalMs * spread);
    this.#timer.unref();
  }

  #learn(isHealthy: boolean): void {
    if (this.#stop.signal.aborted) return;
    this.#against = isHealthy === this.#isHealthy ? 0 : this.#against + 1;
    const { healthyThreshold, unhealthyThreshold } = this.#options.config;
    if (this.#against < (isHealthy ? healthyThreshold : unhealthyThreshold)) return;
    if (isHealthy === this.#isHealthy) return;
    this.#isHealthy = isHealthy;
    this.#against = 0;
    this.#options.onChange(isHealthy);
  }
}
