/** Express error handler: refusals as problem+json. */
import { type Requirement, WatchwordError, toWatchwordError } from '@watchword/core';
import { writeProblem } from '@watchword/http';
import type { ErrorRequestHandler } from 'express';

/** How refusals are told. */
export interface WatchwordErrorsOptions {
  /** Protection space named in the challenge of a 401. Default: `watchword`. */
  readonly realm?: string;
}

// The scopes that were asked for when an error was made: the challenge names them (RFC 6750 section 3.1).
const asked = new WeakMap<WatchwordError, Requirement>();

/** Makes the error that is passed to `next`. What was not foreseen is `internal` and refuses (E13). */
export function refusal(thrown: unknown, requirement: Requirement): WatchwordError {
  const error = toWatchwordError(thrown);
  asked.set(error, requirement);
  return error;
}

/** Writes every `WatchwordError` as problem+json and leaves all other errors to the handlers after it. Comes last. */
export function watchwordErrors(options: WatchwordErrorsOptions = {}): ErrorRequestHandler {
  return (thrown, _req, res, next) => {
    if (!(thrown instanceof WatchwordError) || res.headersSent) {
      next(thrown);
      return;
    }
    writeProblem(res, thrown, { ...asked.get(thrown), ...options });
  };
}
