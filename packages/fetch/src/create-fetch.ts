/** A fetch that carries the caller's Txn-Token to allowed destinations, and to nobody else. */
import { type Propagator, WatchwordError } from '@watchword/core';

/** The part of `fetch` that is wrapped: the global one, undici's, or one that somebody decorated. */
export type Fetch = typeof globalThis.fetch;

/**
 * Wraps `fetch`. The caller is the one in whose context the returned function is called. A `Txn-Token` that the call brings
 * along is always removed (TT-31).
 *
 * A call that carries a token does not follow redirects: fetch copies every header of ours to wherever `Location` points, and
 * only `Authorization` is taken off for another origin. The 3xx answer goes to the caller, who may follow it with a new call,
 * which is decided anew. Asking for `redirect: 'follow'` on such a call is therefore an error.
 * @throws WatchwordError (as a rejection) `context_lost`; `config_invalid` for an explicit `redirect: 'follow'`
 */
export function createFetch(propagator: Propagator, fetch: Fetch = globalThis.fetch): Fetch {
  return async (input, init) => {
    // fetch(url, request) is allowed: the members of a Request are getters, which the spreads below would lose.
    const request = init instanceof Request ? new Request(input, init) : isRequest(input) ? input : undefined;
    const given = init instanceof Request ? {} : (init ?? {});
    // One reading of the address: what is decided on is what is called.
    const url = request ? request.url : String(input);
    const headers = new Headers(given.headers ?? request?.headers);
    if (!propagator.inject(url, headers)) return fetch(request ?? url, { ...given, headers });
    if (given.redirect === 'follow') {
      throw new WatchwordError(
        'config_invalid',
        'redirect: a call that carries a Txn-Token cannot follow redirects; use "manual"',
      );
    }
    const redirect = (given.redirect ?? request?.redirect) === 'error' ? 'error' : 'manual';
    return fetch(request ?? url, { ...given, headers, redirect });
  };
}

// By shape: the Request of the undici package is another class than the global one.
function isRequest(input: Parameters<Fetch>[0]): input is Request {
  return typeof input === 'object' && 'url' in input && 'headers' in input;
}
