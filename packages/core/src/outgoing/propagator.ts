/** Puts the caller's Txn-Token on outgoing calls, and only on those that stay inside the trust domain (invariant 10). */
import { type HeaderSink, TXN_TOKEN_HEADER } from '../carrier/carrier.ts';
import { currentIdentityOrNobody } from '../context/context.ts';
import { Identity } from '../context/identity.ts';
import { assertConfig } from '../errors.ts';
import { assertKnownOptions } from '../options.ts';

/** Where a Txn-Token may go. */
export interface PropagatorOptions {
  /**
   * Allowed destinations; the default is none. An origin (`http://orders:8080`) allows exactly that scheme, host and port; a
   * host that starts with `*.` (`https://*.svc.internal`) allows every host below it, but not the bare domain.
   */
  readonly destinations?: readonly string[];
}

/** Decides and injects, for any kind of outgoing call. */
export interface Propagator {
  /** Whether a Txn-Token may be sent to this address. False for anything that is not an absolute URL. */
  allows(url: string | URL): boolean;
  /**
   * Makes the outgoing headers right: removes a `Txn-Token` that somebody else put there (TT-31), then sets the caller's, byte
   * for byte (TT-27), if the destination is allowed and the caller has one.
   * @returns whether a token was set
   * @throws WatchwordError `context_lost` when the destination is allowed and nobody said on whose behalf the call is made
   */
  inject(url: string | URL, sink: HeaderSink): boolean;
}

/** Builds a propagator. @throws WatchwordError `config_invalid` naming the offending destination */
export function createPropagator(options: PropagatorOptions): Propagator {
  assertKnownOptions(options, ['destinations'], 'propagator');
  const { destinations = [] } = options;
  assertConfig(Array.isArray(destinations), 'destinations: must be a list of origins');
  const patterns = destinations.map((destination: unknown, index) => parsePattern(destination, `destinations[${index}]`));
  const origins = new Set(patterns.flatMap((pattern) => (pattern.suffix === undefined ? pattern.origin : [])));
  const wildcards = patterns.filter((pattern) => pattern.suffix !== undefined);

  const allows = (url: string | URL): boolean => {
    const target = typeof url === 'string' ? URL.parse(url) : url;
    // blob: and the like also have an origin, that of whoever made them.
    if (target === null || !isHttp(target)) return false;
    return origins.has(target.origin) || wildcards.some((pattern) => matchesWildcard(target, pattern));
  };
  return {
    allows,
    inject(url, sink) {
      sink.delete(TXN_TOKEN_HEADER);
      if (!allows(url)) return false;
      const identity = currentIdentityOrNobody();
      const token = identity && Identity.txnTokenOf(identity);
      if (token === undefined) return false;
      sink.set(TXN_TOKEN_HEADER, token);
      return true;
    },
  };
}

interface Pattern {
  /** Scheme, host and port, with the wildcard label taken off. */
  readonly origin: string;
  readonly protocol: string;
  readonly port: string;
  /** `.svc.internal` of `*.svc.internal`: the leading dot is the delimiter that keeps `evilsvc.internal` out (B6, B7). */
  readonly suffix: string | undefined;
}

function parsePattern(destination: unknown, place: string): Pattern {
  assertConfig(typeof destination === 'string', `${place}: must be a string`);
  const wildcard = destination.includes('://*.');
  const url = URL.parse(wildcard ? destination.replace('://*.', '://') : destination);
  assertConfig(url !== null && isHttp(url), `${place}: must be an http or https origin`);
  const bare = url.pathname === '/' && url.search === '' && url.hash === '' && url.username === '' && url.password === '';
  assertConfig(
    bare && !url.hostname.includes('*'),
    `${place}: must be scheme, host and port only, with at most one leading "*."`,
  );
  assertConfig(!wildcard || url.hostname.includes('.'), `${place}: a wildcard needs a domain of at least two labels`);
  return { origin: url.origin, protocol: url.protocol, port: url.port, suffix: wildcard ? `.${url.hostname}` : undefined };
}

function isHttp(url: URL): boolean {
  return url.protocol === 'http:' || url.protocol === 'https:';
}

function matchesWildcard(target: URL, pattern: Pattern): boolean {
  const suffix = pattern.suffix!;
  const below = target.hostname.length > suffix.length && target.hostname.endsWith(suffix);
  return below && target.protocol === pattern.protocol && target.port === pattern.port;
}
