/** Several gateways: HAProxy really run with the configuration that `deploy/haproxy` ships; the manifests of `deploy/kubernetes`. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, onTestFinished, test } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import { createConfig } from '../../src/index.ts';
import { type TestEdge, startEdge } from '../support/edge.ts';
import { createTestIssuer, temporaryDirectory } from '../support/identity-provider.ts';
import { freePort, readDeployed } from '../support/front-door.ts';
import { startUpstream } from '../support/upstream.ts';

const hasHaproxy = spawnSync('haproxy', ['-v'], { stdio: 'ignore' }).status === 0;
// Odd, so that in turns each token comes to both.
const TOKENS = 41;

function checkHaproxy(text: string): string {
  const file = join(temporaryDirectory(), 'haproxy.cfg');
  writeFileSync(file, text);
  const { status, stderr } = spawnSync('haproxy', ['-c', '-f', file], { encoding: 'utf8' });
  return status === 0 ? 'good' : stderr;
}

async function startBalancer(edges: readonly TestEdge[], changed = (text: string): string => text): Promise<number> {
  const port = await freePort();
  const servers = edges.map((edge, index) => `  server gateway-${index + 1} 127.0.0.1:${edge.port} port ${edge.controlPort}\n`);
  const text = readDeployed('haproxy/haproxy.cfg').replace('127.0.0.1:8080', `127.0.0.1:${port}`);
  const file = join(temporaryDirectory(), 'haproxy.cfg');
  writeFileSync(file, changed(text.replace(/( {2}server .*\n)+/, servers.join(''))));
  const balancer = spawn('haproxy', ['-db', '-f', file], { stdio: 'ignore' });
  onTestFinished(async () => {
    const gone = once(balancer, 'exit');
    if (balancer.kill('SIGKILL')) await gone;
  });
  for (let attempt = 0; attempt < 100; attempt += 1) {
    const socket = connect(port, '127.0.0.1');
    const up = await Promise.race([once(socket, 'connect').then(() => true), once(socket, 'error').then(() => false)]).catch(
      () => false,
    );
    socket.destroy();
    if (up) return port;
    await delay(50);
  }
  throw new Error('HAProxy did not start');
}

async function startFleet(size: number) {
  const upstream = await startUpstream();
  const issuer = createTestIssuer();
  const edges: TestEdge[] = [];
  for (let index = 0; index < size; index += 1) {
    edges.push(await startEdge(upstream.url, { issuers: [issuer.entry], trustedProxies: ['127.0.0.1'] }));
  }
  const tokens = Array.from({ length: TOKENS }, (_, index) => issuer.token({ sub: `user-${index}`, jti: `token-${index}` }));
  return { upstream, edges, tokens };
}

const ask = async (port: number, token: string): Promise<number> => {
  const response = await fetch(`http://127.0.0.1:${port}/api/x`, { headers: { authorization: `Bearer ${token}` } });
  await response.arrayBuffer();
  return response.status;
};

const counter = async (edge: TestEdge, name: string): Promise<number> =>
  Number(new RegExp(`^watchword_${name} (\\S+)$`, 'm').exec(await edge.metrics())?.[1]);

describe.skipIf(!hasHaproxy)('HAProxy (needs it installed: apt-get install haproxy)', () => {
  test('its configurations are good, those in the manifests too', () => {
    const map = documents('haproxy.yaml').find(({ kind }) => kind === 'ConfigMap')!;
    const inCluster = (map.data as Record<string, string>)['haproxy.cfg']!;
    expect(checkHaproxy(readDeployed('haproxy/haproxy.cfg'))).toBe('good');
    // The certificate is not there.
    expect(checkHaproxy(inCluster.replace(/ ssl crt \S+ alpn \S+/, ''))).toBe('good');
  });

  test('each token stays on one instance: one signature check, and both instances work', async () => {
    const { edges, tokens } = await startFleet(2);
    const port = await startBalancer(edges);
    for (let round = 0; round < 4; round += 1) for (const token of tokens) expect(await ask(port, token)).toBe(200);
    const misses = await Promise.all(edges.map((edge) => counter(edge, 'cache_misses_total')));
    const hits = await Promise.all(edges.map((edge) => counter(edge, 'cache_hits_total')));
    expect(misses[0]! + misses[1]!).toBe(TOKENS);
    expect(hits[0]! + hits[1]!).toBe(3 * TOKENS);
    expect(Math.min(...misses)).toBeGreaterThan(TOKENS / 8);
  });

  test('in turns, for comparison: both instances check every token', async () => {
    const { edges, tokens } = await startFleet(2);
    const port = await startBalancer(edges, (text) => text.replace('balance hdr(Authorization)', 'balance roundrobin'));
    for (let round = 0; round < 4; round += 1) for (const token of tokens) await ask(port, token);
    const misses = await Promise.all(edges.map((edge) => counter(edge, 'cache_misses_total')));
    expect(misses[0]! + misses[1]!).toBeGreaterThan(1.5 * TOKENS);
  });

  test('an instance that goes: only its tokens move, and nobody gets a wrong answer', async () => {
    const { edges, tokens, upstream } = await startFleet(2);
    const port = await startBalancer(edges);
    for (const token of tokens) expect(await ask(port, token)).toBe(200);
    const [before, moved] = [await counter(edges[1]!, 'cache_misses_total'), await counter(edges[0]!, 'cache_misses_total')];
    await edges[0]!.close();
    for (const token of tokens) expect(await ask(port, token)).toBe(200);
    expect(await counter(edges[1]!, 'cache_misses_total')).toBe(before + moved);
    expect(await ask(port, `${tokens[0]!.slice(0, -4)}AAAA`)).toBe(401);
    const subjects = upstream.seen.map(({ headers }) => {
      const payload = String(headers['txn-token']).split('.')[1]!;
      return (JSON.parse(Buffer.from(payload, 'base64url').toString()) as { sub: string }).sub;
    });
    expect(subjects).toEqual([...tokens.keys(), ...tokens.keys()].map((index) => `user-${index}`));
  });

  test('E5: what a client says about the way of its request does not get past HAProxy', async () => {
    const { edges, tokens, upstream } = await startFleet(1);
    const port = await startBalancer(edges);
    const headers = { authorization: `Bearer ${tokens[0]}`, 'x-forwarded-proto': 'gopher' };
    expect((await fetch(`http://127.0.0.1:${port}/api/x`, { headers })).status).toBe(200);
    expect(upstream.seen[0]!.headers['x-forwarded-proto']).toBe('http');
  });
});

test('HAProxy’s Watchword is good, and the ports are those of HAProxy', () => {
  const config = createConfig(parse(readDeployed('haproxy/watchword.yaml')));
  const balancer = readDeployed('haproxy/haproxy.cfg');
  expect(balancer).toContain(`server gateway-1 127.0.0.1:${config.listen.port} port ${config.control.port}`);
  // Longer than HAProxy takes to notice.
  const [, inter, fall] = /inter (\d+)ms fall (\d+)/.exec(balancer)!;
  expect(config.limits.drainDelayMs).toBeGreaterThan(Number(inter) * (Number(fall) + 1));
});

describe('Kubernetes', () => {
  const gateway = documents('gateway.yaml');
  const ofKind = (kind: string): Record<string, never> =>
    gateway.find((document) => document.kind === kind) as Record<string, never>;

  test('Watchword accepts its configuration, and pods, probes and ports are those of it', () => {
    const config = createConfig(parse((ofKind('ConfigMap').data as unknown as Record<string, string>)['watchword.yaml']!));
    const { spec } = (ofKind('Deployment').spec as unknown as { template: { spec: PodSpec } }).template;
    const [container] = spec.containers;
    expect(container!.ports.map(({ containerPort }) => containerPort)).toEqual([config.listen.port, config.control.port]);
    expect(container!.readinessProbe.httpGet).toEqual({ path: '/readyz', port: 'control' });
    expect(container!.livenessProbe.httpGet).toEqual({ path: '/healthz', port: 'control' });
    const { drainDelayMs, shutdownTimeoutMs } = config.limits;
    expect(spec.terminationGracePeriodSeconds * 1000).toBeGreaterThan(drainDelayMs + shutdownTimeoutMs);
    expect(config.watch).toBe(true);
  });

  test('the image is made of packages of the clone, all of those that the command needs, and of none of a registry', () => {
    expect(readDeployed('kubernetes/Dockerfile')).not.toMatch(/npm install.*watchword@/);
    const packed = new Set(readDeployed('kubernetes/README.md').match(/(?<=-w )[\w/]+/g));
    const needed = new Set<string>();
    const need = (folder: string): void => {
      if (needed.has(folder)) return;
      needed.add(folder);
      const text = readFileSync(new URL(`../../../../${folder}/package.json`, import.meta.url), 'utf8');
      const { dependencies = {} } = JSON.parse(text) as { dependencies?: Record<string, string> };
      for (const [, name] of Object.keys(dependencies).map((each) => /^@watchword\/(.+)$/.exec(each) ?? []))
        if (name !== undefined) need(name === 'dashboard' ? 'apps/dashboard' : `packages/${name}`);
    };
    need('packages/cli');
    expect([...packed].toSorted()).toEqual([...needed].toSorted());
  });

  test('everything that is named is there, and gateways are selected by one label', () => {
    for (const file of ['redis.yaml', 'gateway.yaml', 'haproxy.yaml', 'network-policy.yaml']) {
      for (const document of documents(file)) {
        expect(document, file).toMatchObject({
          apiVersion: expect.any(String),
          kind: expect.any(String),
          metadata: { name: expect.any(String) },
        });
      }
    }
    const text = ['redis.yaml', 'gateway.yaml', 'haproxy.yaml', 'network-policy.yaml']
      .map((file) => readDeployed(`kubernetes/${file}`))
      .join('\n');
    for (const [, name] of text.matchAll(/(?:configMap: \{ name|scaleTargetRef: .* name): ([\w-]+)/g)) {
      expect(text).toContain(`  name: ${name}\n`);
    }
    for (const [, app] of text.matchAll(/(?:matchLabels|selector): \{ app: ([\w-]+) \}/g))
      expect(text).toContain(`labels: { app: ${app} }`);
    for (const [, host] of text.matchAll(/redis:\/\/([\w-]+):6379/g)) expect(host).toBe('watchword-redis');
  });
});

interface PodSpec {
  readonly terminationGracePeriodSeconds: number;
  readonly containers: readonly {
    readonly ports: readonly { containerPort: number }[];
    readonly readinessProbe: { httpGet: object };
    readonly livenessProbe: { httpGet: object };
  }[];
}

function documents(file: string): Record<string, unknown>[] {
  const all = parseAllDocuments(readDeployed(`kubernetes/${file}`));
  return ('empty' in all ? [] : all).map((document) => {
    expect(document.errors).toEqual([]);
    return document.toJS() as Record<string, unknown>;
  });
}
