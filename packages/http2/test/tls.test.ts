import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { type ServerHttp2Session, createSecureServer } from 'node:http2';
import { request } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { callerOf, createTrustDomain } from '@watchword/conformance';
import { createPropagator, currentIdentity, runWithIdentity } from '@watchword/core';
import { createHttp2Client, protect, serverOptions } from '@watchword/http2';
import { expect, it } from 'vitest';

function hasOpenssl(): boolean {
  try {
    execFileSync('openssl', ['version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

it.runIf(hasOpenssl())('guards HTTP/2 and HTTP/1.1 on one port over TLS (needs openssl: apt-get install openssl)', async () => {
  const { key, cert } = certificate();
  const traffic = { callers: 10 };
  const trust = createTrustDomain();
  const { identity, token } = await callerOf(trust, 'user-1');
  const listener = protect(trust.createPipeline(), (_req, res) => void res.end(currentIdentity().subject));
  const server = createSecureServer({ ...serverOptions(traffic), key, cert, allowHTTP1: true }, listener);
  const sessions = new Set<ServerHttp2Session>();
  server.on('session', (session) => sessions.add(session));
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  const origin = `https://localhost:${port}`;
  const propagator = createPropagator({ destinations: [origin] });
  const client = createHttp2Client({ propagator, traffic, session: { ca: cert } });
  expect(await runWithIdentity(identity, () => text(client.request(origin)))).toBe('user-1');
  expect(sessions.size).toBe(1);
  for (const [headers, status, body] of [
    [{ 'txn-token': token }, 200, 'user-1'],
    [{}, 401, expect.stringContaining('A token is required')],
  ] as const) {
    const [res] = await once(request(origin, { ca: cert, headers, agent: false }).end(), 'response');
    expect([res.statusCode, res.httpVersion, await text(res)]).toEqual([status, '1.1', body]);
  }
  await client.close();
  await new Promise((resolve) => server.close(resolve));
});

function certificate(): { key: string; cert: string } {
  const folder = mkdtempSync(join(tmpdir(), 'watchword-http2-'));
  try {
    const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
    const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost'];
    const options = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '1'];
    execFileSync('openssl', ['req', '-x509', ...options, '-keyout', key, '-out', cert, ...subject], { stdio: 'ignore' });
    return { key: readFileSync(key, 'utf8'), cert: readFileSync(cert, 'utf8') };
  } finally {
    rmSync(folder, { recursive: true });
  }
}
