/** The revocations as they stand now, for a command that looks once. */
import { existsSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { type Verifier, WatchwordError } from '@watchword/core';
import { type GatewayConfig, createLogger, createRevocationGuard } from '@watchword/gateway';

/** How long the log may take to answer. */
const SETTLE_MS = 3000;

/**
 * Runs `work` with a verifier that also knows what was revoked. Without a log, or with one that only a running gateway sees, that is
 * the verifier itself.
 * @param file the name of the configuration: where the file of the log is looked for
 * @throws WatchwordError `revocation_unavailable` when the log cannot be read
 */
export async function withRevocations<Result>(
  verifier: Verifier,
  config: GatewayConfig,
  file: string,
  work: (verifier: Verifier) => Promise<Result>,
): Promise<Result> {
  if (!isThere(config, file)) return work(verifier);
  // By the real time, whatever time a token is judged for: opening a log forgets what has expired.
  const guard = createRevocationGuard(config, createLogger('silent'))!;
  try {
    await guard.settled(SETTLE_MS);
    if (!guard.isReady()) throw new WatchwordError('revocation_unavailable', 'The log of revocations could not be read');
    return await work(guard.guard(verifier));
  } finally {
    await guard.close();
  }
}

// A file that no gateway has made holds no revocations, and looking must not make it.
function isThere({ revocation }: GatewayConfig, file: string): boolean {
  if (revocation === undefined || revocation.log.memory === true) return false;
  const { sqlite } = revocation.log;
  return sqlite === undefined || existsSync(resolve(dirname(file), sqlite));
}
