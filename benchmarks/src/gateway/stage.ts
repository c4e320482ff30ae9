/** Brings up everything that takes part at the edge, each in a process of its own. */
import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { type Child, fromSource, withChildren } from '../process/child.ts';
import { type Core, canPin, usableCores } from '../process/cores.ts';
import { withTemporaryFolder } from '../process/temporary-folder.ts';
import { AUDIENCE, ISSUER } from '../tokens/claims.ts';
import { type KeyPair, createKeyPair } from '../tokens/key-pair.ts';
import { type RefusedToken, createRefusedTokens } from '../tokens/refused-tokens.ts';
import { signTokens } from '../tokens/sign-token.ts';
import { writeTokenFile } from '../tokens/token-file.ts';
import type { FastifyProxySettings } from './fastify-proxy.ts';
import type { EdgeAlgorithm, GatewayPlan } from './plan.ts';

/** A proxy that listens. */
export interface Proxy {
  readonly process: Child;
  readonly port: number;
}

/** What is up. */
export interface Stage {
  readonly proxies: Readonly<Record<'watchword' | 'fastify', Proxy>>;
  readonly upstream: Child;
  readonly load: Child;
  readonly tokens: readonly string[];
  readonly tokenFile: string;
  readonly refused: readonly RefusedToken[];
}

/** Brings everything up, and down again whatever happens. */
export async function withStage<Result>(
  algorithm: EdgeAlgorithm,
  plan: GatewayPlan,
  work: (stage: Stage) => Promise<Result>,
): Promise<Result> {
  return withTemporaryFolder(async (folder) => {
    const pair = createKeyPair(algorithm);
    const tokens = await signTokens(pair, plan.tokens);
    const tokenFile = join(folder, 'tokens');
    writeTokenFile(tokenFile, tokens);
    const refused = await createRefusedTokens(pair, tokens[0]!);
    return withNeighbours(async (upstream, load) => {
      const upstreamUrl = await upstream.ask<string>('listen');
      return withProxies(folder, upstreamUrl, pair, plan, (proxies) =>
        work({ proxies, upstream, load, tokens, tokenFile, refused }),
      );
    });
  });
}

// The proxy whose turn it is has a core to itself; what is in front of it and behind it shares the other one.
function cores(): { readonly proxy: Core | undefined; readonly others: Core | undefined } {
  const [proxy, others] = canPin() ? usableCores() : [];
  return { proxy, others };
}

function withNeighbours<Result>(work: (upstream: Child, load: Child) => Promise<Result>): Promise<Result> {
  const core = cores().others;
  return withChildren(
    [
      { name: 'upstream', script: 'gateway/upstream.ts', core },
      { name: 'load', script: 'gateway/load.ts', core },
    ],
    ([upstream, load]) => work(upstream!, load!),
  );
}

function withProxies<Result>(
  folder: string,
  upstream: string,
  pair: KeyPair,
  plan: GatewayPlan,
  work: (proxies: Stage['proxies']) => Promise<Result>,
): Promise<Result> {
  const core = cores().proxy;
  const config = writeConfig(folder, upstream, pair);
  return withChildren(
    [
      {
        name: 'watchword gateway',
        script: join(dirname(createRequire(import.meta.url).resolve('watchword/package.json')), 'dist/main.js'),
        args: ['gateway', '--config', config],
        nodeOptions: ['--import', fromSource('process/cpu-meter.ts')],
        core,
      },
      { name: '@fastify/http-proxy', script: 'gateway/fastify-proxy.ts', core },
    ],
    async ([watchword, fastify]) => {
      const listening = await watchword!.written(/listens on http:\/\/127\.0\.0\.1:(\d+)/);
      const settings: FastifyProxySettings = {
        upstream,
        algorithm: pair.algorithm as EdgeAlgorithm,
        pem: pair.material.pem!,
        issuer: ISSUER,
        audience: AUDIENCE,
        cacheEntries: 2 * plan.tokens,
      };
      const origin = await fastify!.ask<string>('listen', settings);
      return work({
        watchword: { process: watchword!, port: Number(listening[1]) },
        fastify: { process: fastify!, port: Number(new URL(origin).port) },
      });
    },
  );
}

function writeConfig(folder: string, upstreamUrl: string, pair: KeyPair): string {
  const jwksFile = join(folder, 'jwks.json');
  writeFileSync(jwksFile, JSON.stringify({ keys: [pair.material.jwk] }));
  const template = readFileSync(fromSource('../config/watchword.yaml'), 'utf8');
  const config = join(folder, 'watchword.yaml');
  writeFileSync(config, template.replace('${JWKS_FILE}', JSON.stringify(jwksFile)).replace('${UPSTREAM_URL}', upstreamUrl));
  return config;
}
