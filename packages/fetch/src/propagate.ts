/** An undici interceptor that carries the caller's Txn-Token, decided anew on every hop. */
import { AsyncLocalStorage } from 'node:async_hooks';
import { type Propagator, assertConfig, toRecord } from '@watchword/core';

/** The options of a dispatch that matter here; undici's own fit. */
export interface DispatchOptions {
  origin?: string | URL;
  path: string;
  headers?: unknown;
}

/** undici's `dispatch`, of version 7 and 8. */
export type Dispatch = (options: never, handler: never) => boolean;

/** What `dispatcher.compose()` takes. Written out here, so that users of `createFetch` need not install undici. */
export type Interceptor = <Composed extends Dispatch>(dispatch: Composed, ...told: [origin?: string | null]) => Composed;

/** Options of {@link propagate}. */
export interface PropagateOptions {
  /**
   * Where the composed dispatcher connects to: `per-request` for an `Agent`, the origin for a `Client` or `Pool`. Needed with
   * undici 7, and with any release of 8 that does not tell its interceptors.
   */
  readonly connectsTo?: string;
}

/**
 * Makes an interceptor for `dispatcher.compose(...)`. The caller is the one in whose context `dispatch` is called, also for
 * redirects and retries that undici dispatches later from another context.
 *
 * List it before `redirect()` and `retry()`, so that they stand around it and each hop is decided on its own address; listed
 * after `redirect()`, a request with a token is not redirected at all. List it after `dns()`, which replaces the host. Keep
 * `cache()` and `deduplicate()` off dispatchers that carry identities: they do not know whose answer they share.
 * @throws WatchwordError `config_invalid` from `compose` when undici does not say where it connects to and nobody else did;
 * `context_lost` from the dispatch
 */
export function propagate(propagator: Propagator, options: PropagateOptions = {}): Interceptor {
  return <Composed extends Dispatch>(dispatch: Composed, ...told: [origin?: string | null]): Composed => {
    const fixed = fixedOrigin(told, options);
    const intercepted = (request: DispatchOptions, handler: object): boolean => {
      const headers = recordOf(request.headers);
      const injected = propagator.inject(destination(request, fixed), toRecord(headers));
      // A redirect interceptor below this one would carry the token to anywhere; 0 switches it off.
      const once = injected ? { maxRedirections: 0 } : {};
      return dispatch({ ...request, ...once, headers } as never, inContext(handler) as never);
    };
    return intercepted as Dispatch as Composed;
  };
}

// A Client connects to its one origin, whatever the options of a dispatch (or a redirect) say: deciding by them would hand
// the token of an allowed origin to the one that the Client is connected to. `null`: undici does not know either.
function fixedOrigin(told: [origin?: string | null], { connectsTo }: PropagateOptions): string | null | undefined {
  if (told.length > 0) return told[0];
  assertConfig(
    connectsTo !== undefined,
    'propagate: this undici does not say where it connects to: set connectsTo to "per-request" (Agent) or an origin',
  );
  return connectsTo === 'per-request' ? undefined : connectsTo;
}

// By origin alone. A path that is a whole URL (a call through a proxy) or an authority (CONNECT) goes elsewhere: no token.
function destination({ origin, path }: DispatchOptions, fixed: string | null | undefined): string {
  return path.startsWith('/') ? String(fixed === undefined ? origin : fixed) : '';
}

type HeaderRecord = Record<string, string | string[] | undefined>;

// All the shapes that undici takes, as the one that all its interceptors understand.
function recordOf(headers: unknown): HeaderRecord {
  const record: HeaderRecord = Object.create(null);
  for (const [name, value] of entriesOf(headers)) {
    const key = String(name).toLowerCase();
    const earlier = record[key];
    record[key] = earlier === undefined ? value : [earlier, value ?? []].flat();
  }
  return record;
}

function entriesOf(headers: unknown): Iterable<[string, string | string[] | undefined]> {
  if (headers === null || headers === undefined) return [];
  if (Array.isArray(headers) && !Array.isArray(headers[0])) return pairsOf(headers);
  return Symbol.iterator in Object(headers) ? (headers as Iterable<[string, string]>) : Object.entries(headers as HeaderRecord);
}

function* pairsOf(flat: readonly (string | string[])[]): Generator<[string, string | string[] | undefined]> {
  for (let index = 0; index < flat.length; index += 2) yield [String(flat[index]), flat[index + 1]];
}

// undici calls handlers from the socket, in the context of whoever opened it; a redirect or retry dispatched from there would
// run as that caller (D5).
function inContext<Handler extends object>(handler: Handler): Handler {
  const restore = AsyncLocalStorage.snapshot();
  return new Proxy(handler, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name, target);
      return typeof member === 'function' ? (...args: unknown[]) => restore(() => Reflect.apply(member, target, args)) : member;
    },
  });
}
