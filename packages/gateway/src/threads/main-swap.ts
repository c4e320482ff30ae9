/** The main thread's side of reloads: every thread builds, then every thread swaps; or nobody does. */
import { type KeySource, type SharedTable, SigningKey, voidOnWithdrawal } from '@watchword/core';
import type { Candidate, Composition } from '../compose.ts';
import type { GatewayConfig } from '../config/config.ts';
import { configErrorAt, fileNameOf } from '../config/locate.ts';
import type { Generation } from '../generation.ts';
import type { KeyHub } from './key-hub.ts';
import type { ThreadConfig } from './messages.ts';
import { SigningKeyHub } from './signing-keys.ts';
import type { ThreadPool } from './thread-pool.ts';

/** How long requests of threads may still ask for keys of a configuration that was replaced: longer than such an answer takes. */
const LINGER_MS = 20_000;

/** What the main thread swaps. */
export interface MainSwapParts {
  readonly main: Composition;
  readonly hub: KeyHub;
  readonly pool: ThreadPool;
  readonly table: SharedTable | undefined;
}

/** The reloads of one gateway with threads. */
export class MainSwap {
  readonly #parts: MainSwapParts;
  readonly #signingKeys: SigningKeyHub;
  readonly #lingering = new Set<NodeJS.Timeout>();
  #stopVoiding: (() => void) | undefined;
  #reloads = 0;

  /** Before a thread starts: the table must hear of a removed key before the threads do (D7). */
  constructor(parts: MainSwapParts) {
    this.#parts = parts;
    this.#signingKeys = new SigningKeyHub((message) => parts.pool.broadcast(message));
    this.#stopVoiding = this.#startVoiding(parts.main.current);
  }

  /** What a thread that starts now begins with. */
  get threadConfig(): ThreadConfig {
    return this.#threadConfigOf(this.#parts.main.current);
  }

  /** Puts a configuration in force. When it rejects, nothing has changed anywhere. @throws ConfigError (as a rejection) */
  async apply(next: GatewayConfig): Promise<void> {
    const { main, pool } = this.#parts;
    const candidate = await main.prepare(next);
    const stopVoiding = this.#startVoiding(candidate.generation);
    const reload = (this.#reloads += 1);
    const failed = await pool.prepare(reload, this.#threadConfigOf(candidate.generation));
    if (failed !== undefined) {
      pool.broadcast({ type: 'abort', reload });
      stopVoiding?.();
      await candidate.abort();
      this.#retainSources();
      throw configErrorAt(next, [], `a thread could not take it over (${failed})`);
    }
    this.#commit(candidate);
    this.#stopVoiding?.();
    this.#stopVoiding = stopVoiding;
    // With the keys of now: one that was withdrawn meanwhile must not come back in a thread that has started meanwhile.
    pool.commit(reload, this.#threadConfigOf(candidate.generation));
  }

  close(): void {
    for (const timer of this.#lingering) clearTimeout(timer);
    this.#stopVoiding?.();
    this.#signingKeys.close();
  }

  // The main thread serves no requests, but those of the threads may be waiting for a key that it fetches.
  #commit(candidate: Candidate): void {
    const letGo = this.#parts.main.current.hold();
    const timer = setTimeout(() => {
      this.#lingering.delete(timer);
      letGo();
    }, LINGER_MS);
    this.#lingering.add(timer);
    void candidate.commit().then(() => this.#retainSources());
  }

  #retainSources(): void {
    const { hub, main } = this.#parts;
    hub.retain(new Set([...main.live].flatMap(sourcesOf)));
    this.#signingKeys.retain(new Set([...main.live].flatMap(({ signingKeys }) => signingKeys?.keys ?? [])));
  }

  #startVoiding({ verifier }: Generation): (() => void) | undefined {
    const { table } = this.#parts;
    return table && verifier && voidOnWithdrawal(table, verifier);
  }

  #threadConfigOf(generation: Generation): ThreadConfig {
    const { config, txnKey, signingKeys } = generation;
    return {
      config,
      fileName: fileNameOf(config),
      txnKey: txnKey && { keyObject: SigningKey.keyObjectOf(txnKey), kid: txnKey.kid },
      signingKeys: signingKeys && this.#signingKeys.follow(signingKeys.keys),
      sources: sourcesOf(generation).map((keys) => ({ slot: this.#parts.hub.slotOf(keys), id: keys.id })),
    };
  }
}

function sourcesOf({ trust }: Generation): readonly KeySource[] {
  return trust?.sources ?? [];
}
