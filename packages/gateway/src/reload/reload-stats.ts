/** Which configuration is in force, and what became of the attempts to replace it. */
import { createHash } from 'node:crypto';
import { type Clock, systemClock } from '@watchword/core';
import type { GatewayConfig } from '../config/config.ts';

/** Counters for metrics. */
export class ReloadStats {
  applied = 0;
  refused = 0;
  /** Names the configuration in force; equal settings have equal names. */
  hash: string;
  appliedAtMs: number;
  readonly #clock: Clock;

  constructor(config: GatewayConfig, clock: Clock = systemClock) {
    this.#clock = clock;
    this.hash = hashOf(config);
    this.appliedAtMs = clock();
  }

  countApplied(config: GatewayConfig): void {
    this.applied += 1;
    this.hash = hashOf(config);
    this.appliedAtMs = this.#clock();
  }
}

function hashOf(config: GatewayConfig): string {
  return createHash('sha256').update(JSON.stringify(config)).digest('hex').slice(0, 16);
}
