/** Brings up everything that takes part at the edge, and down again whatever happens. */
import { join } from 'node:path';
import { type Child, fromSource, withChildren } from '../process/child.ts';
import { type Core, canPin, usableCores } from '../process/cores.ts';
import { type NativeServer, freePort, isInstalled } from '../process/native.ts';
import { withTemporaryFolder } from '../process/temporary-folder.ts';
import { createKeyPair } from '../tokens/key-pair.ts';
import { type RefusedToken, createRefusedTokens } from '../tokens/refused-tokens.ts';
import { signTokens } from '../tokens/sign-token.ts';
import { writeTokenFile } from '../tokens/token-file.ts';
import type { EdgeAlgorithm, EdgePlan } from './plan.ts';
import {
  type Proxy,
  type Surroundings,
  WATCHWORD,
  cpuMsOf,
  listenFastify,
  portOf,
  startHaproxy,
  startNginx,
  startUpstream,
  writeWatchwordConfig,
} from './proxies.ts';
import type { SubjectId } from './subjects.ts';

/** What is up. */
export interface Stage {
  readonly proxies: Readonly<Record<SubjectId, Proxy>>;
  readonly tokens: readonly string[];
  readonly tokenFile: string;
  readonly refused: readonly RefusedToken[];
  /** Where the load and the service behind the proxies run. */
  readonly othersCore: Core | undefined;
}

/** Programs that must be there. @throws Error that says how to install what is missing */
export function assertInstalled(): void {
  const missing = ['nginx', 'haproxy', 'wrk'].filter((command) => !isInstalled(command));
  if (missing.length > 0)
    throw new Error(`Not installed: ${missing.join(', ')}. On Debian: apt-get install ${missing.join(' ')}`);
}

/** Brings everything up for one algorithm. */
export async function withStage<Result>(
  algorithm: EdgeAlgorithm,
  plan: EdgePlan,
  work: (stage: Stage) => Promise<Result>,
): Promise<Result> {
  const [core, othersCore] = canPin() ? usableCores() : [];
  return withTemporaryFolder(async (folder) => {
    const pair = createKeyPair(algorithm);
    const tokens = await signTokens(pair, plan.tokens);
    const tokenFile = join(folder, 'tokens');
    writeTokenFile(tokenFile, tokens);
    const refused = await createRefusedTokens(pair, tokens[0]!);
    return withServers([() => startUpstream(folder, othersCore)], ([upstream]) => {
      const around: Surroundings = { folder, core, upstreamPort: upstream!.port, pair };
      return withProxies(around, plan, (proxies) => work({ proxies, tokens, tokenFile, refused, othersCore }));
    });
  });
}

async function withProxies<Result>(
  around: Surroundings,
  plan: EdgePlan,
  work: (proxies: Stage['proxies']) => Promise<Result>,
): Promise<Result> {
  const decisionPort = await freePort();
  const watchword = (name: string, config: string) => ({
    name,
    script: WATCHWORD,
    args: ['gateway', '--config', config],
    nodeOptions: ['--import', fromSource('process/cpu-meter.ts')],
    core: around.core,
  });
  const specs = [
    watchword('watchword gateway', writeWatchwordConfig(around, 'watchword.yaml')),
    watchword('watchword decision service', writeWatchwordConfig(around, 'decisions.yaml', { port: decisionPort })),
    { name: '@fastify/http-proxy', script: 'gateway/fastify-proxy.ts', core: around.core },
  ];
  return withChildren(specs, async ([gateway, decisions, fastify]) => {
    const own = {
      watchword: childProxy(await portOf(gateway!), gateway!),
      fastify: childProxy(await listenFastify(fastify!, around, plan.tokens), fastify!),
    };
    await portOf(decisions!);
    return withServers([() => startHaproxy(around), () => startNginx(around, decisionPort)], ([haproxy, nginx]) => {
      const nginxMs = async (): Promise<number> => nginx!.cpuMs();
      const authRequest = { port: nginx!.port, cpuMs: async () => nginx!.cpuMs() + (await cpuMsOf(decisions!)) };
      const plain = { port: nginx!.port, cpuMs: nginxMs };
      return work({ ...own, haproxy: { port: haproxy!.port, cpuMs: async () => haproxy!.cpuMs() }, authRequest, nginx: plain });
    });
  });
}

function childProxy(port: number, child: Child): Proxy {
  return { port, cpuMs: () => cpuMsOf(child) };
}

async function withServers<Result>(
  starts: readonly (() => Promise<NativeServer>)[],
  work: (servers: readonly NativeServer[]) => Promise<Result>,
): Promise<Result> {
  const servers: NativeServer[] = [];
  try {
    for (const start of starts) servers.push(await start());
    return await work(servers);
  } finally {
    await Promise.all(servers.map((server) => server.stop()));
  }
}
