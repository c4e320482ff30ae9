/** Guards plain node:http handlers: admit the caller, run the handler as that caller, refuse with problem+json. */
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import {
  type Identity,
  type Pipeline,
  type Requirement,
  WatchwordError,
  fromRawHeaders,
  toWatchwordError,
} from '@watchword/core';
import { assertRequirement } from './requirement.ts';
import { runAsCaller } from './run-as-caller.ts';
import { writeProblem } from './write-problem.ts';

/** What the handler asks of its callers, and how a refusal names it. */
export interface ProtectOptions extends Requirement {
  /** Protection space named in the challenge of a 401. Default: `watchword`. */
  readonly realm?: string;
}

/** A node:http handler; a promise is waited for. */
export type ProtectedHandler = (req: IncomingMessage, res: ServerResponse) => unknown;

/**
 * Runs `handler` for admitted callers only; inside it `currentIdentity()` is the caller. A `WatchwordError` that the handler
 * throws or rejects with becomes its problem+json, anything else a 500 that is reported as a process warning.
 * @throws WatchwordError `config_invalid`
 */
export function protect(pipeline: Pipeline, handler: ProtectedHandler, options: ProtectOptions = {}): RequestListener {
  assertRequirement(options, ['scopes', 'realm'], 'protect');
  return async (req, res) => {
    let identity: Identity;
    try {
      // rawHeaders: the only form in which Node keeps duplicates apart (B5, E4, TT-25).
      identity = await pipeline.admit(fromRawHeaders(req.rawHeaders), options);
    } catch (thrown) {
      const error = toWatchwordError(thrown);
      // Not the foreign error itself: its text could quote the token (E12).
      if (error.facts.http === 500)
        process.emitWarning(`A request was refused: ${error.code}, ${error.message}`, 'WatchwordWarning');
      writeProblem(res, error, options);
      return;
    }
    await run(identity, handler, req, res);
  };
}

/** Runs a public handler on nobody's behalf, whatever token the caller sends. */
export function anonymous(handler: ProtectedHandler): RequestListener {
  return (req, res) => run(undefined, handler, req, res);
}

async function run(
  identity: Identity | undefined,
  handler: ProtectedHandler,
  req: IncomingMessage,
  res: ServerResponse,
): Promise<void> {
  try {
    await runAsCaller(identity, [req, res], () => handler(req, res));
  } catch (thrown) {
    const foreseen = thrown instanceof WatchwordError && thrown.facts.http !== 500;
    if (!foreseen) process.emitWarning(thrown instanceof Error ? thrown : String(thrown));
    writeProblem(res, thrown);
  }
}
