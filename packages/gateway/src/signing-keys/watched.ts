/** Keeps a set of signing keys going, and tells operators what happens to it. */
import type { SigningKeySet, WatchwordError } from '@watchword/core';
import type { Logger } from '../logger.ts';

/** A set at work. */
export interface WatchedSigningKeys {
  readonly keys: SigningKeySet;
  /** Resolves once the store was asked for the first time, whatever it said. */
  readonly asked: Promise<void>;
  /** Looks at the store, at most once in a second: so whoever fetches the public keys sees those that others have made. */
  freshen(): Promise<void>;
  close(): Promise<void>;
}

/** How often to look whether a store is back, and how seldom to ask it for those who fetch. */
const LOOK_EVERY_MS = 1000;

/** Starts to look after it. */
export function watchSigningKeys(keys: SigningKeySet, logger: Logger): WatchedSigningKeys {
  const known = new Map<string, string>();
  let trouble: NodeJS.Timeout | undefined;
  let askedAtMs = -Infinity;
  keys.onChange(() => logChanges(keys, known, logger));
  keys.onFailure((error) => {
    if (trouble !== undefined) return;
    logger.warn({ reason: reasonOf(error) }, 'signing keys cannot be read or stored');
    trouble = setInterval(() => {
      if (!keys.stats().isReachable) return;
      clearInterval(trouble);
      trouble = undefined;
      logger.info('signing keys can be read and stored again');
    }, LOOK_EVERY_MS).unref();
  });
  return {
    keys,
    asked: keys.ready().catch(() => {}),
    async freshen() {
      if (performance.now() - askedAtMs < LOOK_EVERY_MS) return;
      askedAtMs = performance.now();
      // What is known is good enough to be shown: without the store nobody can have made a key.
      await keys.refresh().catch(() => {});
    },
    async close() {
      clearInterval(trouble);
      await keys.close();
    },
  };
}

function logChanges(keys: SigningKeySet, known: Map<string, string>, logger: Logger): void {
  const now = new Map(keys.describe().map(({ kid, ...one }) => [kid, one]));
  for (const [kid, { alg, activatesAtMs }] of now) {
    if (known.has(kid)) continue;
    known.set(kid, alg);
    logger.info({ kid, alg, signsFrom: new Date(activatesAtMs).toISOString() }, 'a signing key was published');
  }
  for (const [kid, alg] of known) {
    if (now.has(kid)) continue;
    known.delete(kid);
    logger.info({ kid, alg }, 'a signing key is not published any more');
  }
}

// A word that helps, from what could quote anything: an address, a password (E12).
function reasonOf(error: WatchwordError): string {
  const { cause } = error;
  if (!(cause instanceof Error)) return error.message;
  const { code } = cause as NodeJS.ErrnoException;
  const word = /^[A-Z]{2,20}(?= )/.exec(cause.message)?.[0];
  if (word !== undefined) return word;
  if (typeof code === 'string' && /^[A-Za-z_]{2,40}$/.test(code)) return code;
  return cause.message.startsWith('The stored key set ') ? cause.message : cause.name;
}
