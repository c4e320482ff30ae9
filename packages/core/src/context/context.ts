/** The caller of the request in hand, reachable from anywhere below its handler, and from nowhere else. */
import { AsyncLocalStorage } from 'node:async_hooks';
import { WatchwordError } from '../errors.ts';
import type { Identity } from './identity.ts';

// 'nobody' is said out loud by runAnonymous; undefined means that the context was lost.
const storage = new AsyncLocalStorage<Identity | 'nobody'>();

/** Runs `work` and everything it starts as `identity`. */
export function runWithIdentity<Result>(identity: Identity, work: () => Result): Result {
  return storage.run(identity, work);
}

/** Runs `work` on nobody's behalf: for public routes and background jobs. Outgoing calls carry no token. */
export function runAnonymous<Result>(work: () => Result): Result {
  return storage.run('nobody', work);
}

/**
 * The identity of the caller.
 * @throws WatchwordError `context_lost` where there is none: never a default, never another caller's (D5)
 */
export function currentIdentity(): Identity {
  const current = storage.getStore();
  if (current === undefined || current === 'nobody') throw new WatchwordError('context_lost');
  return current;
}

/**
 * The identity of the caller, or undefined inside {@link runAnonymous}.
 * @throws WatchwordError `context_lost` where neither was established
 */
export function currentIdentityOrNobody(): Identity | undefined {
  const current = storage.getStore();
  if (current === undefined) throw new WatchwordError('context_lost');
  return current === 'nobody' ? undefined : current;
}
