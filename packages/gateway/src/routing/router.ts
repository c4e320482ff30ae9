/** The route table: exact paths and prefixes of whole segments, no patterns (E7). */
import createFindMyWay from 'find-my-way';
import { WatchwordError } from '@watchword/core';
import type { Route, RouteMatch } from './route.ts';

/** Finds the one route of a request. */
export interface Router {
  /**
   * The most specific path wins, and only then the method is looked at: a request never falls through from a route that refuses
   * its method to a wider one. Routes of a host come before routes of any host.
   * @param path canonical path
   * @param host canonical host
   * @throws WatchwordError `request_malformed` when a server that ignores case or a trailing slash would take the path for the
   * path of another route (E6)
   */
  find(method: string, host: string, path: string): RouteMatch;
}

/** Builds the table. Paths have been checked: unreserved characters only, `/*` at the end or nowhere. */
export function createRouter(routes: readonly Route[]): Router {
  const anyHost = new PathTable(routes.filter((route) => route.host === undefined));
  const byHost = new Map<string, PathTable>();
  for (const host of new Set(routes.map((route) => route.host))) {
    if (host !== undefined) byHost.set(host, new PathTable(routes.filter((route) => route.host === host)));
  }
  const everyPathLax = routes.every(({ path }) => laxPath(path) === path);
  return {
    find(method, host, path) {
      const ofHost = byHost.size > 0 ? byHost.get(host) : undefined;
      const entry = ofHost?.strict.find(path) ?? anyHost.strict.find(path);
      if (entry === undefined) return NO_ROUTE;
      const lax = laxPath(path);
      // A path in lower case without a trailing slash can still be the lax reading of a route that has them.
      if ((lax !== path || !everyPathLax) && (ofHost?.lax.find(lax) ?? anyHost.lax.find(lax)) !== entry) {
        throw new WatchwordError('request_malformed', 'The path is that of another route but for case or a trailing slash');
      }
      return entry.select(method);
    },
  };
}

/** The path as a lax server may read it: without case, without trailing slash. */
export function laxPath(path: string): string {
  const lower = path.toLowerCase();
  return lower.length > 1 && lower.endsWith('/') ? lower.slice(0, -1) : lower;
}

const ANY_METHOD = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'];
const NO_ROUTE: RouteMatch = Object.freeze({ kind: 'none' });

/** All routes of one path. */
class PathEntry {
  readonly #byMethod = new Map<string, RouteMatch>();
  #anyMethod: RouteMatch | undefined = undefined;
  #otherwise: RouteMatch = NO_ROUTE;

  add(route: Route): void {
    const match: RouteMatch = Object.freeze({ kind: 'found', route });
    if (route.methods === undefined) this.#anyMethod = match;
    for (const method of route.methods ?? []) this.#byMethod.set(method, match);
    const get = this.#byMethod.get('GET');
    if (get !== undefined && !this.#byMethod.has('HEAD')) this.#byMethod.set('HEAD', get);
    const named = this.#anyMethod === undefined ? this.#byMethod.keys() : ANY_METHOD;
    this.#otherwise = Object.freeze({ kind: 'method', allow: [...named].join(', ') });
  }

  select(method: string): RouteMatch {
    // TRACE would send the Txn-Token back to the client (RFC 9110 section 9.3.8); CONNECT is no request for a path.
    if (method === 'TRACE' || method === 'CONNECT') return this.#otherwise;
    return this.#byMethod.get(method) ?? this.#anyMethod ?? this.#otherwise;
  }
}

class PathTable {
  /** Paths as they are configured. */
  readonly strict: PathTree;
  /** The same entries by {@link laxPath}. */
  readonly lax: PathTree;

  constructor(routes: readonly Route[]) {
    const entries = new Map<string, PathEntry>();
    for (const route of routes) {
      let entry = entries.get(route.path);
      if (entry === undefined) entries.set(route.path, (entry = new PathEntry()));
      entry.add(route);
    }
    this.strict = new PathTree(entries);
    this.lax = new PathTree(new Map([...entries].map(([path, entry]) => [laxPath(path), entry])));
  }
}

/** find-my-way with one tree: the method is decided afterwards, so that a path belongs to the same entry for all methods. */
class PathTree {
  readonly #router = createFindMyWay({ caseSensitive: true, ignoreTrailingSlash: false, ignoreDuplicateSlashes: false });

  constructor(entries: ReadonlyMap<string, PathEntry>) {
    for (const [path, entry] of entries) this.#router.on('GET', path, noHandler, entry);
    // `/admin/*` is `/admin` and everything below it, unless `/admin` has a route of its own.
    for (const [path, entry] of entries) {
      const itself = path.endsWith('/*') ? path.slice(0, -2) : '';
      if (itself !== '' && !entries.has(itself)) this.#router.on('GET', itself, noHandler, entry);
    }
  }

  find(path: string): PathEntry | undefined {
    return this.#router.find('GET', path)?.store as PathEntry | undefined;
  }
}

function noHandler(): void {}
