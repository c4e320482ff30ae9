import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, request as httpRequest } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { type DashboardOptions, type DashboardState, startDashboard } from '../src/index.ts';
import { JWKS, METRICS, controlListener, listening } from './support.ts';

const PAGES = { '/readyz': '{"status":"ready"}', '/metrics': METRICS, '/.well-known/jwks.json': JSON.stringify(JWKS) };

async function started(options: Partial<DashboardOptions> = {}): Promise<string> {
  const dashboard = await startDashboard({ gateways: [], port: 0, everyMs: 60_000, pageDirectory: page(), ...options });
  onTestFinished(() => dashboard.close());
  return dashboard.url.slice(0, -1);
}

function page(): string {
  const folder = mkdtempSync(join(tmpdir(), 'dashboard-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  mkdirSync(join(folder, 'assets'));
  writeFileSync(join(folder, 'index.html'), '<!doctype html>');
  writeFileSync(join(folder, 'assets', 'index-abc.js'), '1');
  return folder;
}

/** With headers that fetch would not send. */
function ask(url: string, host: string): Promise<number> {
  return new Promise((resolve, reject) => {
    httpRequest(url, { headers: { host } }, (response) => {
      response.resume();
      resolve(response.statusCode!);
    })
      .on('error', reject)
      .end();
  });
}

describe('what is refused', () => {
  test('a page elsewhere whose name points here (DNS rebinding): 403', async () => {
    const url = await started();
    for (const host of ['intruder.example', 'localhost.intruder.example', '127.0.0.1.intruder.example']) {
      expect(await ask(`${url}/api/gateways`, host), host).toBe(403);
    }
    for (const host of ['127.0.0.1:9099', 'localhost', '[::1]:9099', 'LOCALHOST:1']) {
      expect(await ask(`${url}/api/gateways`, host), host).toBe(200);
    }
  });

  test('what is no address: 400, and it goes on', async () => {
    const url = await started();
    expect(await ask(`${url}//`, '127.0.0.1')).toBe(400);
    expect(await ask(`${url}/`, '127.0.0.1')).toBe(200);
  });

  test('everything that is no reading: 405', async () => {
    const url = await started();
    for (const method of ['POST', 'PUT', 'DELETE']) {
      const response = await fetch(`${url}/api/gateways`, { method });
      expect([response.status, response.headers.get('allow')]).toEqual([405, 'GET, HEAD']);
    }
  });

  test('paths of the control listener, and files beside the page: 404', async () => {
    const url = await started({ gateways: [{ name: 'edge', origin: await controlListener(PAGES) }] });
    for (const path of ['/metrics', '/reload', '/revocations', '/../package.json', '/%2e%2e/package.json', '/assets/', '/x']) {
      expect((await fetch(`${url}${path}`)).status, path).toBe(404);
    }
  });

  test('a port that is taken is named', async () => {
    const squatter = createServer();
    await listening(squatter);
    const { port } = squatter.address() as AddressInfo;
    await expect(startDashboard({ gateways: [], port })).rejects.toThrow(`127.0.0.1:${port} is already in use`);
  });

  test('a page that was never built: 503, and how to build it', async () => {
    const url = await started({ pageDirectory: '/nonexistent' });
    const response = await fetch(url);
    expect([response.status, await response.text()]).toEqual([503, expect.stringContaining('npm run build')]);
  });
});

describe('what a browser may do', () => {
  test('live and plan: scripts, styles and requests of this origin alone', async () => {
    const url = await started();
    for (const path of ['/', '/plan']) {
      const policy = (await fetch(`${url}${path}`)).headers.get('content-security-policy');
      expect(policy).toBe(
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; connect-src 'self'",
      );
    }
  });

  test('the inspector: no request at all', async () => {
    const url = await started();
    expect((await fetch(`${url}/inspect`)).headers.get('content-security-policy')).toContain("connect-src 'none'");
  });

  test('pages are never kept, their parts for ever', async () => {
    const url = await started();
    const answers = await Promise.all(['/', '/api/gateways', '/assets/index-abc.js'].map((path) => fetch(`${url}${path}`)));
    expect(answers.map(({ headers }) => headers.get('cache-control'))).toEqual([
      'no-store',
      'no-store',
      'public, max-age=31536000, immutable',
    ]);
    for (const { headers } of answers) expect(headers.get('x-content-type-options')).toBe('nosniff');
  });
});

test('tells what it knows of each gateway, from the first answer on', async () => {
  const gateways = [
    { name: 'edge', origin: await controlListener(PAGES) },
    { name: 'gone', origin: 'http://127.0.0.1:1' },
  ];
  const url = await started({ gateways, clock: () => 5_000 });
  const state = (await (await fetch(`${url}/api/gateways?after=0`)).json()) as DashboardState;
  expect(state).toMatchObject({
    nowMs: 5_000,
    gateways: [
      { ...gateways[0], latest: { atMs: 5_000, requests: 1000, readiness: 'ready' }, moments: [{ atMs: 5_000 }] },
      { ...gateways[1], problem: expect.any(String), moments: [] },
    ],
  });
  expect(state.gateways[1]).not.toHaveProperty('latest');
});
