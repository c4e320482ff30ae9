/** What happens to upstreams, as log lines. */
import type { Logger } from '../logger.ts';
import type { UpstreamObserver } from './upstream.ts';

/** Names come from the configuration; an address never does: `target` is the place in the list. */
export function upstreamLog(logger: Logger): UpstreamObserver {
  return {
    ejected: (upstream, target, forMs) => logger.warn({ upstream, target, forMs }, 'a target fails and is left alone'),
    healthChanged(upstream, target, isHealthy) {
      if (isHealthy) logger.info({ upstream, target }, 'a target is healthy again');
      else logger.warn({ upstream, target }, 'a target fails its health checks');
    },
    tableTooSmall: (upstream, target, allowedBytes, wantedBytes) =>
      logger.info(
        { upstream, target, allowedBytes, wantedBytes },
        'the header table that a target allows is too small for so many callers: their tokens are sent in full',
      ),
  };
}
