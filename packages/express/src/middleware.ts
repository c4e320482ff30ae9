/** Express middleware: who is calling, and what a route asks for. Works with Express 4 and 5. */
import { type Identity, type Pipeline, type Requirement, WatchwordError, authorize, fromRawHeaders } from '@watchword/core';
import { assertRequirement, runAsCaller } from '@watchword/http';
import type { Request, RequestHandler } from 'express';
import { refusal } from './errors.ts';

declare global {
  // oxlint-disable-next-line typescript/no-namespace -- the only place where Express lets a request be typed
  namespace Express {
    interface Request {
      /** The admitted caller; absent on public routes. */
      identity?: Identity;
    }
  }
}

// Not read back from `req.identity`, which any other middleware can write.
const callers = new WeakMap<Request, Identity>();

/**
 * Admits the caller of everything behind this middleware, or passes the refusal to `next`. Put it before the body parsers: a
 * refused body is not worth reading.
 * @throws WatchwordError `config_invalid`
 */
export function watchword(pipeline: Pipeline, requirement: Requirement = {}): RequestHandler {
  assertRequirement(requirement, ['scopes'], 'watchword');
  return async (req, res, next) => {
    let identity: Identity;
    try {
      // rawHeaders: the only form in which Node keeps duplicates apart (B5, E4, TT-25).
      identity = await pipeline.admit(fromRawHeaders(req.rawHeaders), requirement);
    } catch (thrown) {
      next(refusal(thrown, requirement));
      return;
    }
    callers.set(req, identity);
    req.identity = identity;
    runAsCaller(identity, [req, res], next);
  };
}

/**
 * Asks for scopes behind {@link watchword}, for one route or router. Enters the context of the caller again, so that a
 * middleware in between that lost or mixed it up does no harm (D5).
 * @throws WatchwordError `config_invalid`
 */
export function requireScopes(...scopes: string[]): RequestHandler {
  assertRequirement({ scopes }, ['scopes'], 'requireScopes');
  return (req, res, next) => {
    try {
      const identity = callers.get(req);
      if (identity === undefined) throw new WatchwordError('context_lost', 'requireScopes() stands behind watchword()');
      authorize(identity.token, { scopes });
      runAsCaller(identity, [req, res], next);
    } catch (thrown) {
      next(refusal(thrown, { scopes }));
    }
  };
}

/** Runs the public routes behind it on nobody's behalf, whatever token the caller sends. */
export function anonymous(): RequestHandler {
  return (req, res, next) => runAsCaller(undefined, [req, res], next);
}
