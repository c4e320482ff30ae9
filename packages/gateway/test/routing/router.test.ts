import { describe, expect, test } from 'vitest';
import type { Route } from '../../src/routing/route.ts';
import { createRouter } from '../../src/routing/router.ts';

function route(index: number, path: string, options: Partial<Route> = {}): Route {
  return {
    index,
    path,
    host: undefined,
    methods: undefined,
    upstream: 'main',
    public: false,
    requirement: {},
    freshness: undefined,
    reuse: true,
    stream: false,
    upgrade: undefined,
    deferredForMs: undefined,
    streams: { atExpiry: 'end' },
    ...options,
  };
}

function found(router: ReturnType<typeof createRouter>, method: string, path: string, host = 'h'): number | string {
  const match = router.find(method, host, path);
  return match.kind === 'found' ? match.route.index : match.kind;
}

describe('router', () => {
  test('finds nothing in an empty table', () => {
    expect(found(createRouter([]), 'GET', '/')).toBe('none');
  });

  test('a method that the most specific path refuses does not fall through to a wider route', () => {
    const router = createRouter([route(0, '/a', { methods: ['GET'] }), route(1, '/*', { public: true })]);
    expect(found(router, 'GET', '/a')).toBe(0);
    expect(found(router, 'POST', '/a')).toBe('method');
    expect(found(router, 'POST', '/b')).toBe(1);
  });

  test('several routes of one path differ by method; GET serves HEAD unless HEAD has its own', () => {
    const router = createRouter([
      route(0, '/a', { methods: ['POST'] }),
      route(1, '/a', { methods: ['GET'] }),
      route(2, '/b', { methods: ['GET'] }),
      route(3, '/b', { methods: ['HEAD'] }),
    ]);
    expect([
      found(router, 'POST', '/a'),
      found(router, 'GET', '/a'),
      found(router, 'HEAD', '/a'),
      found(router, 'HEAD', '/b'),
    ]).toEqual([0, 1, 1, 3]);
    expect(router.find('DELETE', 'h', '/a')).toEqual({ kind: 'method', allow: 'POST, GET, HEAD' });
  });

  test('the longest prefix wins, an exact path before a prefix', () => {
    const router = createRouter([route(0, '/*'), route(1, '/a/*'), route(2, '/a/b/*'), route(3, '/a/b')]);
    expect(
      ['/', '/x', '/a', '/a/', '/a/x', '/a/b', '/a/b/c', '/ab'].map((path) => {
        try {
          return found(router, 'GET', path);
        } catch {
          return 'refused';
        }
      }),
    ).toEqual([0, 0, 1, 1, 1, 3, 2, 0]);
  });

  test('a path between two routes, but for case or a trailing slash, is refused', () => {
    const router = createRouter([route(0, '/*', { public: true }), route(1, '/a'), route(2, '/b/*')]);
    for (const path of ['/A', '/a/', '/A/', '/B', '/B/x']) {
      expect(() => router.find('GET', 'h', path), path).toThrow(expect.objectContaining({ code: 'request_malformed' }));
    }
    expect([found(router, 'GET', '/C'), found(router, 'GET', '/c/'), found(router, 'GET', '/b/X')]).toEqual([0, 0, 2]);
  });

  test('E6: a path in lower case is refused where a lax server takes it for a route with capitals or a trailing slash', () => {
    const router = createRouter([
      route(0, '/api/*', { public: true }),
      route(1, '/api/getUser'),
      route(2, '/*', { public: true }),
      route(3, '/admin/'),
    ]);
    for (const path of ['/api/getuser', '/api/GETUSER', '/api/getUser/', '/api/getuser/', '/admin', '/Admin']) {
      expect(() => router.find('GET', 'h', path), path).toThrow(expect.objectContaining({ code: 'request_malformed' }));
    }
    expect([found(router, 'GET', '/api/getUser'), found(router, 'GET', '/admin/'), found(router, 'GET', '/api/get')]).toEqual([
      1, 3, 0,
    ]);
  });

  test('E6: another spelling of a route of one host does not fall through to the routes of every host', () => {
    const router = createRouter([
      route(0, '/*', { public: true }),
      route(1, '/secret', { host: 'h' }),
      route(2, '/Key', { host: 'h' }),
    ]);
    for (const path of ['/Secret', '/secret/', '/key', '/KEY', '/Key/']) {
      expect(() => router.find('GET', 'h', path), path).toThrow(expect.objectContaining({ code: 'request_malformed' }));
      expect(found(router, 'GET', path, 'other')).toBe(0);
    }
    expect([found(router, 'GET', '/secret'), found(router, 'GET', '/Key'), found(router, 'GET', '/secret/x')]).toEqual([1, 2, 0]);
  });

  test('routes whose path has capitals are found as they are', () => {
    const router = createRouter([route(0, '/Docs/*'), route(1, '/api/v1/Users')]);
    expect([found(router, 'GET', '/Docs/x'), found(router, 'GET', '/docs/x'), found(router, 'GET', '/api/v1/Users')]).toEqual([
      0,
      'none',
      1,
    ]);
  });

  test('names of object members are paths like any other', () => {
    const router = createRouter([route(0, '/a/*')]);
    for (const path of ['/__proto__', '/constructor', '/toString', '/hasOwnProperty'])
      expect(found(router, 'GET', path)).toBe('none');
    expect(found(router, 'GET', '/a/x', '__proto__')).toBe(0);
    expect(found(router, '__proto__', '/a/x')).toBe(0);
  });
});
