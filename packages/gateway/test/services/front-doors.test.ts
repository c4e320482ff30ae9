/** nginx and Caddy, really run, with the configurations that `deploy/` ships. */
import { describe, expect, test } from 'vitest';
import { type FrontDoor, type ProxyName, hasProxy, startFrontDoor } from '../support/front-door.ts';
import { canonicalPath } from '../../src/routing/canonical-path.ts';
import { NAMES, VARIANTS } from '../support/header-matrix.ts';
import { PATHS } from '../support/path-variants.ts';
import { rawGet, sendRaw } from '../support/raw.ts';
import { startUpstream, valuesOf } from '../support/upstream.ts';

const CANARY = 'forged-by-client';

for (const name of ['nginx', 'caddy'] as ProxyName[]) {
  describe.skipIf(!hasProxy(name))(`${name} (needs it installed: apt-get install ${name})`, () => {
    const authorization = (door: FrontDoor, claims: object = {}): string =>
      `Authorization: ${door.edge.bearer(claims).authorization!}`;
    const ask = (door: FrontDoor, path: string, fields: string[] = []) => sendRaw(door.port, rawGet(path, fields));

    test('what is refused: 400, 401 and 403 told apart, and the backend sees nothing', async () => {
      const door = await startFrontDoor(name);
      const answer = await ask(door, '/api/x');
      expect(answer.status).toBe(401);
      expect(answer.text).toMatch(/^www-authenticate: Bearer realm="watchword"/im);
      expect((await ask(door, '/api/x', ['Authorization: Bearer a.b.c'])).text).toMatch(/^www-authenticate: .*invalid_token/im);
      expect((await ask(door, '/admin/x', [authorization(door)])).status).toBe(403);
      const unknown = await ask(door, '/elsewhere', [authorization(door)]);
      expect(unknown.status).toBe(404);
      expect(unknown.text).toMatch(/^cache-control: no-store/im);
      expect((await ask(door, '/public//x')).status).toBe(400);
      expect((await ask(door, '/watchword')).status).toBe(404);
      expect(door.backend.seen).toEqual([]);
    });

    test('XA-9: the external token is swapped; a forged Txn-Token never arrives', async () => {
      const door = await startFrontDoor(name);
      expect((await ask(door, '/api/x?a=1', [authorization(door), `Txn-Token: ${CANARY}`])).status).toBe(200);
      expect((await ask(door, '/public/x', [authorization(door), `Txn-Token: ${CANARY}`])).status).toBe(200);
      const [api, open] = door.backend.seen;
      expect(api!.target).toBe('/api/x?a=1');
      expect(valuesOf(api!, 'txn-token')).toHaveLength(1);
      expect(valuesOf(api!, 'txn-token')[0]).toMatch(/^[\w-]+\.[\w-]+\.[\w-]+$/);
      expect(valuesOf(open!, 'txn-token')).toEqual([]);
      expect(JSON.stringify(door.backend.seen).toLowerCase()).not.toContain('authorization');
      expect(JSON.stringify(door.backend.seen)).not.toContain(CANARY);
    });

    test('a POST with a body goes through, decided by its own method', async () => {
      const door = await startFrontDoor(name);
      const response = await fetch(`http://127.0.0.1:${door.port}/api/x`, {
        method: 'POST',
        body: 'x'.repeat(100_000),
        headers: door.edge.bearer(),
      });
      expect(response.status).toBe(200);
      expect(door.backend.seen[0]!.method).toBe('POST');
    });

    test('E5: fields about the way of a request are what the proxy says', async () => {
      const door = await startFrontDoor(name);
      const forged = ['For', 'Host', 'Uri', 'Method', 'Port'].map((field) => `X-Forwarded-${field}: /public/${CANARY}`);
      const more = [`X-Real-IP: ${CANARY}`, ...(name === 'nginx' ? [`X-Original-URI: /public/${CANARY}`] : [])];
      const fields = name === 'nginx' ? forged.filter((field) => !/Uri|Method/.test(field)) : forged;
      expect((await ask(door, '/api/x', [...fields, ...more])).status).toBe(401);
      expect((await ask(door, '/public/x', [...fields, ...more])).status).toBe(200);
      expect(JSON.stringify(door.backend.seen)).not.toContain(CANARY);
      expect(valuesOf(door.backend.seen[0]!, 'x-forwarded-for')).toEqual(['127.0.0.1']);
    });

    test('E1: the Connection field cannot name what the proxy adds', async () => {
      const door = await startFrontDoor(name);
      const request = rawGet('/api/x', [authorization(door), 'Connection: close, txn-token']).replace(
        'Connection: close\r\n',
        '',
      );
      const { status } = await sendRaw(door.port, request);
      for (const seen of door.backend.seen) expect(valuesOf(seen, 'txn-token')).toHaveLength(1);
      expect(door.backend.seen).toHaveLength(status === 200 ? 1 : 0);
    });

    test('D11: answers to a caller are not stored for the next; what the service says of caching stays', async () => {
      const own = startUpstream((request, response) => {
        if (request.url!.endsWith('cached')) response.setHeader('cache-control', 'max-age=60');
        response.end('ok');
      });
      const door = await startFrontDoor(name, own);
      const url = `http://127.0.0.1:${door.port}`;
      const plain = await fetch(`${url}/api/x`, { headers: door.edge.bearer() });
      expect(plain.headers.get('cache-control')).toBe('no-store');
      expect(plain.headers.get('vary')).toMatch(/authorization/i);
      const cached = await fetch(`${url}/api/cached`, { headers: door.edge.bearer() });
      expect(cached.headers.get('cache-control')).toBe('max-age=60');
      expect(cached.headers.get('vary')).toMatch(/authorization/i);
      expect((await fetch(`${url}/public/x`)).headers.get('vary')).toBeNull();
    });

    test('E13: without Watchword nobody gets in, on public paths neither', async () => {
      const door = await startFrontDoor(name);
      await door.edge.close();
      expect((await ask(door, '/api/x', [authorization(door)])).status).toBeGreaterThanOrEqual(500);
      expect((await ask(door, '/public/x')).status).toBeGreaterThanOrEqual(500);
      expect(door.backend.seen).toEqual([]);
    });

    test('S22, E2, E3: 720 spellings of reserved names: none arrives', async () => {
      const door = await startFrontDoor(name);
      const token = authorization(door);
      let cases = 0;
      let through = 0;
      for (const path of ['/public/x', '/api/x', '/api/y'])
        for (const reserved of NAMES)
          for (const [variant, spell] of Object.entries(VARIANTS)) {
            cases += 1;
            door.backend.seen.length = 0;
            const { status } = await sendRaw(
              door.port,
              Buffer.from(rawGet(path, [token, `${spell(reserved)}: ${CANARY}`]), 'utf8'),
            );
            expect([200, 400, 403], `${reserved}, ${variant}`).toContain(status);
            if (status === 200) through += 1;
            const seen = JSON.stringify(door.backend.seen);
            expect(seen, `${reserved}, ${variant}`).not.toContain(CANARY);
            expect(seen.toLowerCase(), `${reserved}, ${variant}`).not.toContain('"authorization"');
            expect(door.backend.seen.length).toBe(status === 200 ? 1 : 0);
          }
      expect(cases).toBe(720);
      // Those that the proxy itself removes.
      expect(through).toBeGreaterThan(0);
    });

    test(`S22, E6: ${PATHS.length} paths: what arrives is what was decided on`, async () => {
      const door = await startFrontDoor(name);
      const token = authorization(door);
      let arrived = 0;
      for (const path of PATHS) {
        for (const fields of [[], [token]]) {
          door.backend.seen.length = 0;
          await sendRaw(door.port, Buffer.from(rawGet(path, fields), 'utf8'));
          for (const seen of door.backend.seen) {
            arrived += 1;
            expect(ruleFor(seen.target, fields.length > 0), `${path} arrived as ${seen.target}`).toBe('allowed');
            // What the gateway takes as it is arrives byte for byte.
            if (isCanonical(path)) expect(seen.target).toBe(path);
            expect(valuesOf(seen, 'host')[0], path).toMatch(/^(api|other)\.example$/);
            expect(valuesOf(seen, 'txn-token').length, path).toBe(seen.target.startsWith('/public') ? 0 : 1);
          }
        }
      }
      expect(arrived).toBeGreaterThan(0);
    });
  });
}

/** What the routes in `deploy/` say of a target that a service has received: as the gateway reads it, and as careless servers would. */
function ruleFor(target: string, hasToken: boolean): string {
  const own = ruleOf(canonicalPath(target));
  const readings = [careless(target.split(/[?#]/, 1)[0]!), careless(decode(target.split('?', 1)[0]!))];
  if (readings.some((reading) => ruleOf(reading) !== own)) return `another rule for ${readings.join(' or ')}`;
  return own === 'public' || (own === 'api' && hasToken) ? 'allowed' : 'refused';
}

function isCanonical(target: string): boolean {
  try {
    canonicalPath(target);
    return true;
  } catch {
    return false;
  }
}

function ruleOf(path: string): string {
  return /^\/(public|api|admin)(\/|$)/.exec(path)?.[1] ?? 'none';
}

// Decodes, takes every slash for one, cuts parameters off, resolves dots, folds case.
function careless(path: string): string {
  const segments: string[] = [];
  for (const segment of decode(path).replaceAll('\\', '/').split('/')) {
    const [name = ''] = segment.split(/[;\0]/, 1);
    if (name === '..') segments.pop();
    else if (name !== '' && name !== '.') segments.push(name.toLowerCase());
  }
  return `/${segments.join('/')}`;
}

function decode(text: string): string {
  return text.replaceAll(/%([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}
