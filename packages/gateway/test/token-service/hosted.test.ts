/** The token service inside a gateway: next to the edge, with threads, with keys that rotate, through a reload. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pino } from 'pino';
import { expect, onTestFinished, test } from 'vitest';
import { createConfig, startGateway } from '../../src/index.ts';
import { ISSUER, createTestIssuer, temporaryDirectory } from '../support/identity-provider.ts';
import { DOMAIN, SECRET, TTS, TYPE, basic, claimsOf, exchangeForm } from '../support/token-service.ts';
import { startUpstream, valuesOf } from '../support/upstream.ts';

test.each([1, 2])(
  '%i threads: what the edge mints the token service replaces, revokes and publishes the keys of',
  async (threads) => {
    const issuer = createTestIssuer();
    const upstream = await startUpstream();
    const directory = temporaryDirectory();
    writeFileSync(join(directory, 'secret'), SECRET);
    const settings = {
      listen: { port: 0 },
      control: { port: 0 },
      threads,
      issuers: [issuer.entry],
      txnToken: { trustDomain: DOMAIN },
      revocation: { log: { sqlite: join(directory, 'revocations.db') } },
      upstreams: { main: { url: upstream.url } },
      routes: [{ path: '/api/*', upstream: 'main', reuse: 'per-request' }],
      tokenService: {
        listen: { port: 0 },
        issuer: TTS,
        clients: [
          {
            id: 'orders',
            method: 'client_secret_basic',
            secretFile: join(directory, 'secret'),
            grants: ['exchange', 'replace', 'introspect', 'revoke-any'],
          },
        ],
      },
    };
    const gateway = await startGateway(createConfig(settings), { logger: pino({ level: 'silent' }) });
    onTestFinished(() => gateway.close());
    const origin = `http://127.0.0.1:${gateway.tokenServicePort}`;
    const post = async (path: string, form: Record<string, string>): Promise<Record<string, unknown>> =>
      (await (
        await fetch(`${origin}${path}`, { method: 'POST', headers: basic(), body: new URLSearchParams(form) })
      ).json()) as Record<string, unknown>;
    const call = (token: string): Promise<Response> =>
      fetch(`http://127.0.0.1:${gateway.port}/api/x`, { headers: { authorization: `Bearer ${token}` } });

    const external = issuer.token({ jti: 'one' });
    expect((await call(external)).status).toBe(200);
    const [minted] = valuesOf(upstream.seen.at(-1)!, 'txn-token');
    const replaced = await post('/token', { ...exchangeForm(minted!), subject_token_type: TYPE('txn_token') });
    expect(claimsOf(replaced.access_token as string)).toMatchObject({
      txn: claimsOf(minted!).txn,
      req_wl_chain: ['watchword-gateway'],
    });
    const jwks = (await (await fetch(`${origin}/jwks`)).json()) as { keys: { kid: string }[] };
    const header = JSON.parse(Buffer.from((replaced.access_token as string).split('.')[0]!, 'base64url').toString()) as {
      kid: string;
    };
    expect(jwks.keys.map(({ kid }) => kid)).toContain(header.kid);

    // A reload that changes something else leaves the tokens as they are.
    await gateway.reload(createConfig({ ...settings, cache: { maxEntries: 77 } }));
    expect(await post('/introspect', { token: replaced.access_token as string })).toMatchObject({ active: true });

    // Revoked at the token service, refused at the edge.
    expect(await post('/revoke', { token: external })).toEqual({});
    await expect.poll(async () => (await call(external)).status, { timeout: 5000 }).toBe(401);
    expect(await post('/introspect', { token: external })).toEqual({ active: false });
    const metrics = await (await fetch(`http://127.0.0.1:${gateway.controlPort}/metrics`)).text();
    expect(metrics).toContain('watchword_token_service_issued_total{kind="txn"} 1');
    expect(ISSUER).toContain('idp');
  },
);
