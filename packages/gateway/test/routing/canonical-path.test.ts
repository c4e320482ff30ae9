import { describe, expect, test } from 'vitest';
import { canonicalPath } from '../../src/routing/canonical-path.ts';
import { startEdge } from '../support/edge.ts';
import { rawGet, sendRaw } from '../support/raw.ts';
import { startUpstream } from '../support/upstream.ts';

/** Targets that somebody between the client and the handler may read as another path. */
// prettier-ignore
const REFUSED: string[] = [
  // dot segments, plain and encoded
  '/public/../admin', '/public/./x', '/..', '/.', '/../admin', '/public/..', '/public/.', '/public/../../admin', '/./admin', '/public/../', '/public/./',
  '/public/%2e%2e/admin', '/public/%2E%2E/admin', '/public/.%2e/admin', '/public/%2e./admin', '/public/%2e/x', '/%2e%2e/admin', '/public/%2E',
  '/public/%252e%252e/admin', '/public/%25%32%65%25%32%65/admin', '/public/%252E%252E%252Fadmin',
  '/public/..%2fadmin', '/public/..%2Fadmin', '/public/..%5cadmin', '/public/..%5Cadmin', '/public/..\\admin', '/public/..;/admin', '/public/..;a=b/admin',
  '/public/%c0%ae%c0%ae/admin', '/public/%C0%AE%C0%AE/admin', '/public/%E0%80%AE/admin', '/public/%F0%80%80%AE/admin', '/public/..%00/admin', '/public/..%0d/admin',
  // empty segments
  '//admin', '//', '///', '/public//admin', '/public///', '/public//', '//evil.example/admin', '/public/x//',
  // encoded slashes and backslashes
  '/public%2fadmin', '/public%2Fadmin', '/%2fadmin', '/%2Fadmin', '/public%5cadmin', '/public%5Cadmin', '/public\\admin', '\\admin', '/\\admin', '/public/%252fadmin', '/public/%255cadmin',
  '/public/%c0%afadmin', '/public/%C0%AFadmin', '/public/%EF%BC%8F%2Fadmin',
  // path parameters
  '/public;/admin', '/public;x=1/admin', '/admin;', '/admin;a=b', '/;/admin', '/public/%3badmin', '/public/%3Badmin', '/public/%253badmin', '/public/x;.css',
  // control characters, NUL, spaces
  '/public/%00', '/public%00/admin', '/admin%00.css', '/public/%0a', '/public/%0A', '/public/%0d%0aX-Evil:1', '/public/%0D%0A', '/public/%09', '/public/%1F', '/public/%7F', '/public/%7f', '/public/\tadmin', '/public/\x7f',
  // percent-encoding that is broken or says what needs no saying
  '/public/%', '/public/%2', '/public/%g0', '/public/%0g', '/public/%%', '/public/%u002e', '/public/%FF', '/public/%C3', '/public/%C3%28', '/public/%ED%A0%80', '/public/%F8%88%80%80%80',
  '/%61dmin', '/%41dmin', '/adm%69n', '/public/%61', '/public/%7E', '/public/%7e', '/public/%2D', '/public/%5F', '/public/%30', '/%70ublic/x', '/public/%c3%a9', '/public/%2a', '/public/%2541',
  // not origin form
  'http://api.example/public/x', 'https://api.example/admin', 'HTTP://api.example/public/x', '*', 'admin', 'public/x', '?/public/x', '.', '..', './admin', 'file:///etc/passwd', '%2Fadmin',
  // fragments and signs that a path does not have
  '/public/x#/../admin', '/public#', '/#', '/public/x?a=1#b', '/public/[x]', '/public/{x}', '/public/|', '/public/^', '/public/`', '/public/"x"', '/public/<x>', '/public/\u00e9', '/public/\u2025/admin', '/public/\uff0e\uff0e/admin',
  // case and trailing slash of a guarded path, seen through a wider route
  '/ADMIN/x', '/Admin', '/adMin/x', '/admiN', '/READ', '/Read', '/read/', '/READ/',
  `/public/${'x'.repeat(8200)}`,
];

/** Targets that everybody reads in the same way. */
// prettier-ignore
const CANONICAL: string[] = [
  '/', '/public', '/public/', '/public/x', '/public/x/', '/public/x/y/z', '/public/...', '/public/.x', '/public/x.', '/public/..x', '/public/x..y', '/public/.well-known',
  '/public/a-b_c.d~e', "/public/!$&'()*+,=:@", '/public/%20', '/public/%C3%A9', '/public/%E2%82%AC', '/public/%F0%9F%94%91', '/public/%40', '/public/%2A', '/public/%25', '/public/100%25',
  '/public/%23', '/public/%3F', '/public/UPPER', '/public/x?y', '/public/x?', '/public/x??', '/public/x?a=/../admin', '/public/x?a=//&b=%2e%2e%2f', '/public/x?a=;b', '/public/x?a=%00', '/public/x?%zz', '/public/x?a[]={}|^`"<>\\',
  '/public/x?redirect=http://evil.example/admin', '/public/12345', '/public/*', '/public/**', '/public/:id', '/public/(x)',
];

// prettier-ignore
const ROUTES = [
  { path: '/*', upstream: 'main', public: true },
  { path: '/admin/*', upstream: 'main', scopes: ['admin'] },
  { path: '/read', upstream: 'main', scopes: ['read'] },
];

describe('E6: one canonical path', () => {
  test(`E6: ${REFUSED.length} targets are refused with 400 and reach nobody, ${CANONICAL.length} arrive byte for byte`, async () => {
    expect(REFUSED.length + CANONICAL.length).toBeGreaterThanOrEqual(150);
    const upstream = await startUpstream();
    const edge = await startEdge(upstream.url, { routes: ROUTES });
    for (const target of REFUSED) {
      const answer = await sendRaw(edge.port, Buffer.from(rawGet(target), 'utf8'));
      expect(answer.status, target).toBe(400);
    }
    expect(upstream.seen).toEqual([]);
    for (const target of CANONICAL) {
      const answer = await sendRaw(edge.port, rawGet(target));
      expect(answer.status, target).toBe(200);
    }
    expect(upstream.seen.map((seen) => seen.target)).toEqual(CANONICAL);
  });

  test('E6: the decided path is a prefix of the target, up to the query', () => {
    for (const target of CANONICAL) expect(canonicalPath(target)).toBe(target.split('?', 1)[0]);
  });

  test('E6: a space ends the target, so the rest is a bad request line', async () => {
    const upstream = await startUpstream();
    const edge = await startEdge(upstream.url, { routes: ROUTES });
    expect((await sendRaw(edge.port, rawGet('/public/ admin'))).status).toBe(400);
    expect(upstream.seen).toEqual([]);
  });

  test('E6: random targets are either refused or forwarded as they are', async () => {
    const upstream = await startUpstream();
    const edge = await startEdge(upstream.url, { routes: ROUTES });
    const parts = ['/', '.', '..', '%2e', '%2F', 'a', 'admin', ';', '?', '%', '%C3%A9', '//', '\\', 'A', '#', '%00', '~', '%41'];
    let seed = 7;
    const random = (below: number): number => (seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648) % below;
    for (let round = 0; round < 300; round += 1) {
      const target = `/${Array.from({ length: 1 + random(6) }, () => parts[random(parts.length)]).join('')}`;
      upstream.seen.length = 0;
      const answer = await sendRaw(edge.port, rawGet(target));
      if (answer.status === 200) expect(upstream.seen[0]!.target).toBe(target);
      else expect([400, 401], target).toContain(answer.status);
      if (answer.status === 200) expect(new URL(target, 'http://h').pathname.toLowerCase()).not.toMatch(/^\/(admin|read)(\/|$)/);
    }
  });
});

describe('E7: only the path decides', () => {
  test('E7: no query and no fragment makes a guarded path public', async () => {
    const upstream = await startUpstream();
    const edge = await startEdge(upstream.url, { routes: ROUTES });
    for (const target of [
      '/admin?/public/x',
      '/admin/x?path=/public',
      '/admin?.css',
      '/admin/x?public',
      '/read?a=/public/../',
      '/admin/public/x',
      '/admin/x.css',
    ]) {
      expect((await sendRaw(edge.port, rawGet(target))).status, target).toBe(401);
    }
    expect(upstream.seen).toEqual([]);
  });

  test('E7: a prefix ends at a slash', async () => {
    const edge = await startEdge((await startUpstream()).url, {
      routes: [{ path: '/public/*', upstream: 'main', public: true }],
    });
    for (const target of ['/publicity', '/public-admin/x', '/public.x', '/publi'])
      expect((await sendRaw(edge.port, rawGet(target))).status).toBe(404);
    for (const target of ['/public', '/public/', '/public/x'])
      expect((await sendRaw(edge.port, rawGet(target))).status).toBe(200);
  });
});
