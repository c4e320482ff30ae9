/** Fetches the keys before the first request needs them, and tries again until they are there. */
import type { RemoteKeys } from '@watchword/core';
import type { Logger } from './logger.ts';

/** First retry soon, for systems that start together; then so that it stays at two fetches in 30 s per issuer (C2). */
const RETRY_MS = [1000, 31_000];

/** Starts fetching. Once keys are there, look-ups keep them fresh. Returns a function that stops trying. */
export function keepKeysComing(sources: readonly RemoteKeys[], logger: Logger): () => void {
  const stops = sources.map((keys) => keepTrying(keys, logger));
  return () => {
    for (const stop of stops) stop();
  };
}

function keepTrying(keys: RemoteKeys, logger: Logger): () => void {
  let stopped = false;
  let timer: NodeJS.Timeout | undefined;
  const attempt = (count: number): void => {
    keys.ready().then(
      () => logger.info({ issuer: keys.issuer }, 'keys loaded'),
      (error: unknown) => {
        if (stopped) return;
        const reason = error instanceof Error ? error.message : 'unknown';
        logger.warn({ issuer: keys.issuer, reason }, 'keys could not be fetched');
        timer = setTimeout(attempt, RETRY_MS[Math.min(count, RETRY_MS.length - 1)], count + 1);
      },
    );
  };
  attempt(0);
  return () => {
    stopped = true;
    clearTimeout(timer);
  };
}
