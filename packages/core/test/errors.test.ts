/** Failures: a closed set, each with its meaning to HTTP, gRPC and an operator. */
import { describe, expect, test } from 'vitest';
import { ERRORS, type ErrorCode, WatchwordError, toWatchwordError } from '../src/errors.ts';
import { toProblem } from '../src/problem.ts';

const CODES = Object.keys(ERRORS) as ErrorCode[];

describe('the table of errors', () => {
  test.each(CODES)('%s has a status for HTTP and gRPC, a title and a rule', (code) => {
    const { http, grpc, oauth, title, rule } = new WatchwordError(code).facts;
    expect(http).toBeOneOf([400, 401, 403, 404, 405, 413, 422, 429, 500, 502, 503, 504]);
    expect(grpc).toBeOneOf([3, 4, 5, 7, 8, 9, 12, 13, 14, 16]);
    expect([title, rule]).toEqual([expect.stringMatching(/^[A-Z].{10,}/), expect.stringMatching(/^[A-Z].{10,}/)]);
    // RFC 6750 section 3.1 ties these three together.
    if (oauth !== undefined && oauth !== 'invalid_dpop_proof')
      expect(oauth).toBe({ 400: 'invalid_request', 401: 'invalid_token', 403: 'insufficient_scope' }[http as 400]);
  });

  test('ER-6: to an outside caller all bad tokens are one', () => {
    const bad = CODES.filter((code) => ERRORS[code].oauth === 'invalid_token');
    expect(bad.length).toBeGreaterThan(15);
    expect(new Set(bad.map((code) => JSON.stringify(toProblem(new WatchwordError(code)))))).toHaveLength(1);
  });

  test('ER-4: our own outage is never the fault of the token', () => {
    for (const code of ['keys_unavailable', 'overloaded', 'upstream_unavailable', 'upstream_timeout'] as const) {
      expect([ERRORS[code].http >= 502, ERRORS[code].oauth]).toEqual([true, undefined]);
    }
  });
});

describe('WatchwordError', () => {
  test('is told apart by its code, and keeps its cause', () => {
    const cause = new Error('why');
    const error = new WatchwordError('mint_failed', 'what', { cause });
    expect([error.name, error.code, error.message, error.cause, error instanceof Error]).toEqual([
      'WatchwordError',
      'mint_failed',
      'what',
      cause,
      true,
    ]);
    expect(toWatchwordError(error)).toBe(error);
  });

  test.each([new TypeError('x'), 'text', undefined, null, 5, { code: 'scope_insufficient', facts: { http: 200 } }])(
    'E13: %o, thrown by anybody else, is internal',
    (thrown) => {
      const error = toWatchwordError(thrown);
      expect([error.code, error.facts.http, error.cause]).toEqual(['internal', 500, thrown]);
    },
  );
});

describe('stack frames', () => {
  const framesOf = ({ stack }: Error): number => (stack ?? '').split('\n').filter((line) => line.startsWith('    at ')).length;

  test.each(CODES)('%s: errors of our own side have them, refusals do not', (code) => {
    expect(framesOf(new WatchwordError(code)) > 0).toBe(ERRORS[code].http === 500);
    expect(framesOf(new Error('of somebody else'))).toBeGreaterThan(0);
  });

  test('where built-in objects are frozen refusals have them too', () => {
    const descriptor = Object.getOwnPropertyDescriptor(Error, 'stackTraceLimit')!;
    Object.defineProperty(Error, 'stackTraceLimit', { ...descriptor, writable: false });
    try {
      const error = new WatchwordError('key_unknown');
      expect([error.code, framesOf(error) > 0]).toEqual(['key_unknown', true]);
    } finally {
      Object.defineProperty(Error, 'stackTraceLimit', descriptor);
    }
  });
});

describe('toProblem', () => {
  test('ER-1: every 401 has a challenge; without credentials it has no error code (ER-2)', () => {
    for (const code of CODES.filter((name) => ERRORS[name].http === 401)) {
      expect(toProblem(new WatchwordError(code)).headers['www-authenticate']).toMatch(/^(Bearer|DPoP) realm="watchword"/);
    }
    expect(toProblem(new WatchwordError('token_missing')).headers['www-authenticate']).toBe('Bearer realm="watchword"');
  });

  test('RFC 6750: a bad token, a missing scope with the scopes that are asked for, a bad request', () => {
    const header = (code: ErrorCode): string | undefined =>
      toProblem(new WatchwordError(code), { realm: 'orders', scopes: ['read', 'write'] }).headers['www-authenticate'];
    expect(header('token_expired')).toBe(
      'Bearer realm="orders", error="invalid_token", error_description="The token was not accepted"',
    );
    expect(header('scope_insufficient')).toBe(
      'Bearer realm="orders", error="insufficient_scope", error_description="The token does not grant the required scope", scope="read write"',
    );
    expect(header('token_ambiguous')).toMatch(/^Bearer realm="orders", error="invalid_request", /);
    expect([header('keys_unavailable'), header('internal'), header('route_unknown')]).toEqual([undefined, undefined, undefined]);
  });

  test('RFC 9457: the body says what the status says; nothing of it is cached (D11)', () => {
    for (const code of CODES) {
      const { status, headers, body } = toProblem(new WatchwordError(code, 'canary'));
      const problem = JSON.parse(body) as Record<string, unknown>;
      expect(problem).toEqual({
        type: expect.stringMatching(/^urn:watchword:problem:[a-z_-]+$/),
        title: ERRORS[code].title,
        status,
      });
      expect(headers).toMatchObject({ 'content-type': 'application/problem+json', 'cache-control': 'no-store' });
      expect(JSON.stringify([headers, body])).not.toContain('canary');
    }
  });

  test('a realm or scope cannot break out of the header (E9)', () => {
    const realm = 'a"b\\c\r\nX-Injected: 1\u0000é\u2028';
    const { headers } = toProblem(new WatchwordError('scope_insufficient'), { realm, scopes: ['x"', '\r\ny'] });
    expect(headers['www-authenticate']).toBe(
      'Bearer realm="abcX-Injected: 1", error="insufficient_scope", error_description="The token does not grant the required scope", scope="x y"',
    );
  });

  test('503 and 429, and no others, say when to come again', () => {
    for (const code of CODES)
      expect('retry-after' in toProblem(new WatchwordError(code)).headers).toBe([429, 503].includes(ERRORS[code].http));
  });
});
