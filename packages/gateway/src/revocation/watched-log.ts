/** Tells operators when the revocation log can't be read, and when it can be again. */
import { type RevocationFollower, type RevocationLog, WatchwordError } from '@watchword/core';
import type { Logger } from '../logger.ts';

/** Decorates a log: one line when reading begins to fail, one when it works again. */
export function watchedLog(log: RevocationLog, logger: Logger): RevocationLog {
  return {
    append: (revocation) => log.append(revocation),
    close: () => log.close(),
    follow(listener) {
      const trouble = new Trouble(logger);
      const follower = log.follow({
        snapshot: (...news) => listener.snapshot(...news),
        entry: (entry) => listener.entry(entry),
        failed(error) {
          trouble.begin(error, follower);
          listener.failed(error);
        },
      });
      return {
        get freshAtMs() {
          return follower.freshAtMs;
        },
        close() {
          trouble.end();
          follower.close();
        },
      };
    },
  };
}

const LOOK_EVERY_MS = 500;

/** From the first failure until something newer is known. */
class Trouble {
  readonly #logger: Logger;
  #timer: NodeJS.Timeout | undefined;

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  begin(error: unknown, follower: RevocationFollower): void {
    if (this.#timer !== undefined) return;
    this.#logger.warn({ reason: reasonOf(error) }, 'revocations cannot be read');
    const lastFreshAtMs = follower.freshAtMs;
    this.#timer = setInterval(() => {
      if (!(follower.freshAtMs > lastFreshAtMs)) return;
      this.end();
      this.#logger.info('revocations can be read again');
    }, LOOK_EVERY_MS).unref();
  }

  end(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}

// A word that helps, from what could quote anything: an address, a password (E12).
function reasonOf(error: unknown): string {
  if (error instanceof WatchwordError) return error.cause instanceof Error ? reasonOf(error.cause) : error.message;
  if (!(error instanceof Error)) return 'unknown';
  const { code } = error as NodeJS.ErrnoException;
  // Redis begins its refusals with a word in capitals: NOAUTH, WRONGPASS, READONLY, OOM.
  return (
    /^[A-Z]{2,20}(?= )/.exec(error.message)?.[0] ?? (typeof code === 'string' && /^[A-Z_]{2,40}$/.test(code) ? code : error.name)
  );
}
