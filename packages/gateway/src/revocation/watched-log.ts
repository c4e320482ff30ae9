/** Tells operators when the revocation log can't be read, and when it can be again. */
import { type RevocationLog, WatchwordError } from '@watchword/core';
import type { Logger } from '../logger.ts';

/** Decorates a log: one line when reading begins to fail, one when it works again. */
export function watchedLog(log: RevocationLog, logger: Logger): RevocationLog {
  return {
    append: (revocation) => log.append(revocation),
    close: () => log.close(),
    follow(listener) {
      let isFailing = false;
      const works = (): void => {
        if (isFailing) logger.info('revocations can be read again');
        isFailing = false;
      };
      return log.follow({
        snapshot(...news) {
          works();
          return listener.snapshot(...news);
        },
        entry(entry) {
          works();
          listener.entry(entry);
        },
        failed(error) {
          if (!isFailing) logger.warn({ reason: reasonOf(error) }, 'revocations cannot be read');
          isFailing = true;
          listener.failed(error);
        },
      });
    },
  };
}

/** A word that helps, from what could quote anything: an address, a password (E12). */
export function reasonOf(error: unknown): string {
  if (error instanceof WatchwordError) return error.cause instanceof Error ? reasonOf(error.cause) : error.message;
  if (!(error instanceof Error)) return 'unknown';
  const { code } = error as NodeJS.ErrnoException;
  // Redis begins its refusals with a word in capitals: NOAUTH, WRONGPASS, READONLY, OOM.
  return (
    /^[A-Z]{2,20}(?= )/.exec(error.message)?.[0] ?? (typeof code === 'string' && /^[A-Z_]{2,40}$/.test(code) ? code : error.name)
  );
}
