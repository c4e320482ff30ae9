/**
 * `npm run bench:ext-authz`. Question: how long does Envoy wait for a decision? Workload: ES256 tokens of 1 KB, each seen before, as
 * Envoy describes requests; first as many as the service can answer, then half of that, at fixed times whether answered or not.
 */
import { writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { type Child, withChildren } from '../process/child.ts';
import { canPin, usableCores } from '../process/cores.ts';
import { withTemporaryFolder } from '../process/temporary-folder.ts';
import { bystanderLine, coresInUse } from '../report/bystanders.ts';
import { describeMachine, machineLine } from '../report/machine.ts';
import { showProgress } from '../report/progress.ts';
import { countText, drawTable } from '../report/table.ts';
import { median, medianRatio } from '../statistics.ts';
import { createKeyPair } from '../tokens/key-pair.ts';
import { signTokens } from '../tokens/sign-token.ts';
import { writeTokenFile } from '../tokens/token-file.ts';
import type { Latencies, OpenLoopOrder } from './load.ts';
import type { Pauses } from './pauses.ts';

const HELP = `usage: npm run bench:ext-authz [-- options]    about 90 seconds

  --quick       one short round: whether it works, not how fast it is
  --semi-space MB  Node's --max-semi-space-size for both servers: less to copy in one pause, but more pauses (default: Node's own)
  --json FILE   where every window goes (default: nowhere)
  --help        this text

First, saturation: answers per second with 64 questions at a time. Then latency: windows at half of the median of that, at fixed times
whether answered or not, from when a question was due. bare: a grpc-js server that reads and decides nothing, in turns with ours, at half
of its own saturation. CPU: processor time of the server for one answer. Figures are medians of the windows, p99 is that of the middle
window. late: how late the questions were, a matter of the machine and of who asks, not of the server. Pauses are V8's collections
in the windows of latency: of young objects, and of old ones.`;

const FULL: Plan = { tokens: 1000, saturations: 3, latencies: 9, seconds: 3 };
const QUICK: Plan = { tokens: 50, saturations: 1, latencies: 1, seconds: 1 };
const KINDS = ['watchword', 'bare'] as const;
const TITLES = { watchword: 'Watchword ext_authz', bare: 'bare grpc-js server' } as const;
const IN_FLIGHT = 64;
/** Cold tokens at a time. */
const COLD_IN_FLIGHT = 8;
const LIMIT_MS = 5;

interface Plan {
  readonly tokens: number;
  /** Windows of each kind. */
  readonly saturations: number;
  readonly latencies: number;
  readonly seconds: number;
}

interface Saturation {
  readonly perSecond: number;
  readonly cpuMicros: number;
}

/** What one of the two did. */
interface Course {
  readonly saturations: Saturation[];
  readonly latencies: Window[];
}

/** Latencies, and who stood still meanwhile. */
interface Window extends Latencies {
  readonly server: Pauses;
  readonly load: Pauses;
}

type Kind = (typeof KINDS)[number];
type Courses = Readonly<Record<Kind, Course>>;

const { values: options } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    json: { type: 'string' },
    'semi-space': { type: 'string' },
    help: { type: 'boolean', default: false },
  },
});
if (options.help) console.log(HELP);
else await measure(options.quick, options.json, options['semi-space']);

async function measure(isQuick: boolean, json: string | undefined, semiSpace: string | undefined): Promise<void> {
  const machine = describeMachine();
  const inUse = await coresInUse();
  const lines = [
    machineLine(machine),
    bystanderLine(inUse),
    isQuick ? 'Quick run: too short for figures to be quoted.' : undefined,
  ];
  console.log(`${lines.filter((line) => line !== undefined).join('\n')}\n`);
  const courses = await measureAll(isQuick ? QUICK : FULL, semiSpace);
  console.log(draw(courses));
  const ratio = medianRatio(cpuOf(courses.watchword), cpuOf(courses.bare));
  console.log(`A decision costs ${ratio.toFixed(2)}x the processor time of a bare gRPC answer.`);
  for (const kind of KINDS)
    console.log(
      pauseLine(
        TITLES[kind],
        courses[kind].latencies.map((window) => window.server),
      ),
    );
  console.log(
    pauseLine(
      'who asks',
      KINDS.flatMap((kind) => courses[kind].latencies.map((window) => window.load)),
    ),
  );
  const windows = courses.watchword.latencies;
  const failedOf = (kind: Kind): number => courses[kind].latencies.reduce((sum, window) => sum + window.failed, 0);
  for (const kind of KINDS)
    if (failedOf(kind) > 0) console.log(`${TITLES[kind]}: ${failedOf(kind)} good tokens were not let through.`);
  const failed = failedOf('watchword');
  const p99 = median(windows.map((window) => window.p99));
  const met = windows.filter((window) => window.p99 < LIMIT_MS).length;
  const isMet = p99 < LIMIT_MS && failed === 0;
  console.log(
    `p99 at half of saturation: ${p99.toFixed(2)} ms, below ${LIMIT_MS} ms in ${met} of ${windows.length} windows: ${isMet ? 'PASS' : 'MISS'} (below ${LIMIT_MS} ms)`,
  );
  if (json !== undefined)
    writeFileSync(
      resolve(json),
      `${JSON.stringify({ machine, coresInUse: inUse, isQuick, courses, p99, isMet }, undefined, 2)}\n`,
    );
}

function measureAll(plan: Plan, semiSpace: string | undefined): Promise<Courses> {
  // The first as the command does (cli/src/collections.ts).
  const nodeOptions = [
    '--no-allocation-site-pretenuring',
    ...(semiSpace === undefined ? [] : [`--max-semi-space-size=${semiSpace}`]),
  ];
  const [server, others] = canPin() ? usableCores() : [];
  return withTemporaryFolder(async (folder) => {
    const pair = createKeyPair('ES256');
    const jwksFile = join(folder, 'jwks.json');
    writeFileSync(jwksFile, JSON.stringify({ keys: [pair.material.jwk] }));
    const tokenFile = join(folder, 'tokens');
    writeTokenFile(tokenFile, await signTokens(pair, plan.tokens));
    const specs = [
      { name: 'watchword', script: 'ext-authz/server.ts', core: server, nodeOptions },
      { name: 'bare', script: 'ext-authz/server.ts', core: server, nodeOptions },
      { name: 'load', script: 'ext-authz/load.ts', core: others },
    ];
    return withChildren(specs, async ([watchword, bare, load]) => {
      await load!.ask('load', tokenFile);
      const servers = { watchword: watchword!, bare: bare! };
      const ports = { watchword: 0, bare: 0 };
      for (const kind of KINDS) ports[kind] = await servers[kind].ask<number>('listen', { kind, jwksFile });
      return play(plan, servers, load!, ports);
    });
  });
}

async function play(
  plan: Plan,
  servers: Readonly<Record<Kind, Child>>,
  load: Child,
  ports: Readonly<Record<Kind, number>>,
): Promise<Courses> {
  const { seconds } = plan;
  const courses: Courses = { watchword: { saturations: [], latencies: [] }, bare: { saturations: [], latencies: [] } };
  // Every token once, and the code warm.
  for (const inFlight of [COLD_IN_FLIGHT, IN_FLIGHT])
    for (const kind of KINDS) await load.ask('saturate', { port: ports[kind], inFlight, seconds });
  for (let window = 0; window < plan.saturations; window += 1) {
    for (const kind of KINDS) {
      showProgress(`saturation ${window + 1} of ${plan.saturations}: ${kind}`);
      courses[kind].saturations.push(await measureSaturation(servers[kind], load, ports[kind], seconds));
    }
  }
  for (let window = 0; window < plan.latencies; window += 1) {
    for (const kind of KINDS) {
      showProgress(`latency ${window + 1} of ${plan.latencies}: ${kind}`);
      const perSecond = median(courses[kind].saturations.map((one) => one.perSecond)) / 2;
      courses[kind].latencies.push(await measureLatency(servers[kind], load, { port: ports[kind], perSecond, seconds }));
    }
  }
  showProgress('');
  return courses;
}

async function measureSaturation(server: Child, load: Child, port: number, seconds: number): Promise<Saturation> {
  const before = await server.ask<NodeJS.CpuUsage>('cpu');
  const perSecond = await load.ask<number>('saturate', { port, inFlight: IN_FLIGHT, seconds });
  const after = await server.ask<NodeJS.CpuUsage>('cpu');
  return { perSecond, cpuMicros: (after.user + after.system - before.user - before.system) / (perSecond * seconds) };
}

async function measureLatency(server: Child, load: Child, order: OpenLoopOrder): Promise<Window> {
  for (const child of [server, load]) await child.ask('pauses');
  const latencies = await load.ask<Latencies>('openLoop', order);
  return { ...latencies, server: await server.ask<Pauses>('pauses'), load: await load.ask<Pauses>('pauses') };
}

function cpuOf({ saturations }: Course): number[] {
  return saturations.map(({ cpuMicros }) => cpuMicros);
}

function pauseLine(who: string, windows: readonly Pauses[]): string {
  const sum = (value: (window: Pauses) => number): number => windows.reduce((total, window) => total + value(window), 0);
  const longestMs = Math.max(0, ...windows.map((window) => window.longestMs));
  const counts = `${sum((window) => window.young)} young, ${sum((window) => window.old)} old`;
  return `Pauses of ${who}: ${counts}, the longest ${longestMs.toFixed(1)} ms, in all ${sum((window) => window.totalMs).toFixed(0)} ms.`;
}

function draw(courses: Courses): string {
  const columns = [
    ['medians of the windows', 'left'],
    ['answers/s', 'right'],
    ['CPU', 'right'],
    ['asked/s', 'right'],
    ['p50', 'right'],
    ['p99', 'right'],
    ['p99.9', 'right'],
    ['late', 'right'],
  ] as const;
  const rows = KINDS.map((kind) => {
    const { saturations, latencies } = courses[kind];
    const perSecond = median(saturations.map((one) => one.perSecond));
    const ms = (value: (window: Latencies) => number): string => `${median(latencies.map(value)).toFixed(2)} ms`;
    return [
      TITLES[kind],
      countText(perSecond),
      `${median(cpuOf(courses[kind])).toFixed(0)} us`,
      countText(perSecond / 2),
      ms((window) => window.p50),
      ms((window) => window.p99),
      ms((window) => window.p999),
      ms((window) => window.lateP99),
    ];
  });
  return drawTable(columns, rows);
}
