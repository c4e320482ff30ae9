/** The files in `deploy/`: that they are whole, belong together and mean what their READMEs say. Real runs: `front-doors.test.ts`. */
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { createConfig } from '../../src/index.ts';
import { readDeployed } from '../support/front-door.ts';

const PROXIES = { nginx: 'nginx.conf', caddy: 'Caddyfile', traefik: 'dynamic.yml', envoy: 'envoy.yaml' } as const;

for (const [name, file] of Object.entries(PROXIES)) {
  describe(name, () => {
    const config = createConfig(parse(readDeployed(`${name}/watchword.yaml`)));
    const service = config.decisionService!.extAuthz ?? config.decisionService!.forwardAuth!;

    test('Watchword accepts its configuration, and the proxy asks it on its port', () => {
      expect(readDeployed(`${name}/${file}`)).toContain(`${service.listen.port}`);
      expect(readDeployed(`${name}/README.md`)).toContain('npx watchword gateway --config watchword.yaml');
      if ('style' in service) expect(service.style).toBe(name);
      expect(config.routes.some((route) => route.public)).toBe(true);
    });
  });
}

test('Traefik: both middlewares are on the only router, and what is replaced is never the client’s', () => {
  const { http } = parse(readDeployed('traefik/dynamic.yml')) as { http: Record<string, Record<string, never>> };
  const routers = Object.values(http.routers!) as { middlewares: string[]; service: string; entryPoints: string[] }[];
  expect(routers).toHaveLength(1);
  expect(routers[0]!.middlewares).toEqual(['watchword', 'inside']);
  expect(Object.keys(http.middlewares!)).toEqual(['watchword', 'inside']);
  expect(Object.keys(http.services!)).toContain(routers[0]!.service);
  const { forwardAuth } = http.middlewares!['watchword'] as unknown as { forwardAuth: Record<string, unknown> };
  expect(forwardAuth).toMatchObject({ trustForwardHeader: false, authResponseHeaders: ['Txn-Token', 'Authorization'] });
  const { entryPoints } = parse(readDeployed('traefik/traefik.yml')) as { entryPoints: object };
  expect(Object.keys(entryPoints)).toEqual(routers[0]!.entryPoints);
});

test('Envoy: fails closed, sees raw headers, asks on every route, and each cluster that is named is there', () => {
  const text = readDeployed('envoy/envoy.yaml');
  const { static_resources: all } = parse(text) as { static_resources: { listeners: never[]; clusters: { name: string }[] } };
  const filter = (name: string): Record<string, unknown> => findNamed(all, name)!.typed_config as Record<string, unknown>;
  const authz = filter('envoy.filters.http.ext_authz');
  expect(authz).toMatchObject({
    transport_api_version: 'V3',
    failure_mode_allow: false,
    encode_raw_headers: true,
    validate_mutations: true,
  });
  const manager = filter('envoy.filters.network.http_connection_manager') as { http_filters: { name: string }[] };
  expect(manager.http_filters.map(({ name }) => name)).toEqual(['envoy.filters.http.ext_authz', 'envoy.filters.http.router']);
  expect(manager).toMatchObject({ path_with_escaped_slashes_action: 'REJECT_REQUEST', use_remote_address: true });
  expect(all.clusters.map(({ name }) => name)).toEqual(['watchword', 'service']);
  expect(text).not.toMatch(/disabled|typed_per_filter_config/);
});

function findNamed(node: unknown, name: string): Record<string, unknown> | undefined {
  if (typeof node !== 'object' || node === null) return undefined;
  if ((node as { name?: unknown }).name === name && 'typed_config' in node) return node as Record<string, unknown>;
  for (const member of Object.values(node)) {
    const found = findNamed(member, name);
    if (found !== undefined) return found;
  }
  return undefined;
}
