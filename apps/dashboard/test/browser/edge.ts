/** A real gateway in front of a service, with tokens for it. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { generateSigningKey, signJws } from '@watchword/core';
import { loadConfig, startGateway } from '@watchword/gateway';

/** A running edge. */
export interface Edge {
  /** Origin of its control listener. */
  readonly control: string;
  /** Sends a request with a token of this user. Gives the status. */
  ask(user: string, changes?: object): Promise<number>;
  /** Ends the gateway; the service behind it stays. */
  stop(): Promise<void>;
  close(): Promise<void>;
}

/** Starts both on free ports. */
export async function startEdge(): Promise<Edge> {
  const folder = mkdtempSync(join(tmpdir(), 'dashboard-edge-'));
  const service = createServer((_request, response) => response.end('fine'));
  await new Promise<void>((resolve) => service.listen(0, '127.0.0.1', resolve));
  const key = generateSigningKey('ES256', 'k1');
  writeFileSync(join(folder, 'jwks.json'), JSON.stringify({ keys: [key.publicJwk()] }));
  const config = join(folder, 'watchword.yaml');
  writeFileSync(config, configText((service.address() as AddressInfo).port));
  const gateway = await startGateway(loadConfig(config));
  const now = Math.floor(Date.now() / 1000);
  const shared = { iss: 'https://idp.example', aud: 'https://api.example', client_id: 'app', iat: now, exp: now + 600 };
  const tokenOf = (user: string, changes: object): string => {
    const claims = { ...shared, sub: user, jti: user, scope: 'orders.read', ...changes };
    return signJws(Buffer.from(JSON.stringify(claims)), { typ: 'at+jwt' }, key);
  };
  const tokens = new Map<string, string>();
  return {
    control: `http://127.0.0.1:${gateway.controlPort}`,
    async ask(user, changes = {}) {
      const name = `${user} ${JSON.stringify(changes)}`;
      tokens.set(name, tokens.get(name) ?? tokenOf(user, changes));
      const headers = { authorization: `Bearer ${tokens.get(name)}` };
      const response = await fetch(`http://127.0.0.1:${gateway.port}/orders/1`, { headers });
      await response.body?.cancel();
      return response.status;
    },
    stop: () => gateway.close(),
    async close() {
      await gateway.close().catch(() => {});
      service.closeAllConnections();
      service.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function configText(port: number): string {
  return `listen: {port: 0}
control: {port: 0}
issuers:
  - issuer: https://idp.example
    audience: https://api.example
    algorithms: [ES256]
    jwksFile: jwks.json
txnToken:
  trustDomain: inside.example
upstreams:
  orders:
    url: http://127.0.0.1:${port}
routes:
  - path: /orders/*
    upstream: orders
    scopes: [orders.read]
limits: {shutdownTimeoutMs: 100}
log: {level: silent}
`;
}
