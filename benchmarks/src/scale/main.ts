/**
 * `npm run bench:scale`. Question: what do several instances cost and save, with each token on one of them and without? And what does
 * a crash do? Workload: real HAProxy with the configuration of `deploy/haproxy`, gateways that share Redis, every answer checked.
 */
import { writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import process from 'node:process';
import { parseArgs } from 'node:util';
import { withChildren } from '../process/child.ts';
import { isInstalled } from '../process/native.ts';
import { withTemporaryFolder } from '../process/temporary-folder.ts';
import { describeMachine, machineLine } from '../report/machine.ts';
import { showProgress } from '../report/progress.ts';
import { type Column, countText, drawTable } from '../report/table.ts';
import { createKeyPair } from '../tokens/key-pair.ts';
import { createRefusedTokens } from '../tokens/refused-tokens.ts';
import { signToken, signTokens } from '../tokens/sign-token.ts';
import { writeTokenFile } from '../tokens/token-file.ts';
import { type Cast, type CrashResult, type FleetResult, measureCrash, measureFleet } from './measure.ts';
import { type ScalePlan, scalePlan } from './plan.ts';
import { withGround } from './stage.ts';

const HELP = `usage: npm run bench:scale [-- options]    about 4 minutes; needs haproxy and redis-server

  --quick       fewer tokens, requests and instances, under a minute: whether it works
  --json FILE   where the results go (default: nowhere)
  --help        this text

Each request picks its token by chance; one in 20 is forged, expired, wrongly addressed or revoked and must be refused. A good one must
reach the service in the name of its user. Anything else is a wrong answer and ends the run. hit rate: share of the caches' look-ups
that they answered. A crash: kill -9 of one instance a third into the load, started again after another third.`;

const FLEET_COLUMNS: readonly Column[] = [
  ['instances', 'right'],
  ['balanced by', 'left'],
  ['hit rate', 'right'],
  ['signature checks', 'right'],
  ['per token', 'right'],
  ['right', 'right'],
  ['refused', 'right'],
  ['wrong', 'right'],
  ['failed', 'right'],
];

process.exitCode = await main();

async function main(): Promise<number> {
  try {
    const { values: options } = parseArgs({
      options: {
        quick: { type: 'boolean', default: false },
        json: { type: 'string' },
        help: { type: 'boolean', default: false },
      },
    });
    if (options.help) console.log(HELP);
    else await measure(options.quick, options.json);
    return 0;
  } catch (error) {
    console.error((error as Error).message);
    return 1;
  }
}

async function measure(quick: boolean, json: string | undefined): Promise<void> {
  const missing = ['haproxy', 'redis-server'].filter((command) => !isInstalled(command));
  if (missing.length > 0)
    throw new Error(`Not installed: ${missing.join(', ')}. On Debian: apt-get install ${missing.join(' ')}`);
  const machine = { ...describeMachine(), pinned: false };
  console.log(`${machineLine(machine)}\n`);
  const plan = scalePlan(quick);
  const { fleets, crash } = await play(plan);
  showProgress('');
  console.log(
    `${countText(plan.tokens)} tokens, caches of ${countText(plan.cacheEntries)}, ${countText(plan.requests)} requests\n${drawFleets(fleets)}\n`,
  );
  console.log(`A crash under load, ${crash.instances} instances, each token on one\n${drawCrash(crash)}`);
  console.log(`\n${verdicts(fleets, crash).join('\n')}`);
  if (json !== undefined)
    writeFileSync(resolve(json), `${JSON.stringify({ machine, quick, plan, fleets, crash }, undefined, 2)}\n`);
}

function play(plan: ScalePlan): Promise<{ fleets: FleetResult[]; crash: CrashResult }> {
  return withTemporaryFolder(async (folder) => {
    const pair = createKeyPair('ES256');
    const tokens = await signTokens(pair, plan.tokens);
    const tokenFile = join(folder, 'tokens');
    writeTokenFile(tokenFile, tokens);
    const refused = (await createRefusedTokens(pair, tokens[0]!)).map(({ token }) => token);
    const revokedIds = Array.from({ length: 20 }, (_, index) => `revoked-${index}`);
    const revoked = await Promise.all(revokedIds.map((jti) => signToken(pair, 'user-0', { jti })));
    return withGround(folder, pair, (ground) =>
      withChildren([{ name: 'clients', script: 'scale/clients.ts' }], async ([clients]) => {
        const cast: Cast = { ground, clients: clients!, tokenFile, badTokens: [...refused, ...revoked], revokedIds, plan };
        const fleets: FleetResult[] = [];
        for (const instances of plan.instances)
          for (const balancing of plan.balancings) {
            if (instances === 1 && balancing === 'in turns') continue;
            showProgress(`${instances} instances, ${balancing}`);
            fleets.push(await measureFleet(cast, instances, balancing));
          }
        showProgress('a crash');
        return { fleets, crash: await measureCrash(cast, Math.max(...plan.instances)) };
      }),
    );
  });
}

function drawFleets(fleets: readonly FleetResult[]): string {
  const rows = fleets.map(({ instances, balancing, hitRate, checks, checksPerToken, report }) => [
    String(instances),
    instances === 1 ? '-' : balancing,
    `${(100 * hitRate).toFixed(1)} %`,
    countText(checks),
    checksPerToken.toFixed(2),
    ...[report.right, report.refused, report.wrong, report.failed].map(countText),
  ]);
  return drawTable(FLEET_COLUMNS, rows);
}

// A wrong answer ends the run before anything is drawn.
function verdicts(fleets: readonly FleetResult[], crash: CrashResult): string[] {
  const most = Math.max(...fleets.map(({ instances }) => instances));
  const [bound, loose] = (['hash of the token', 'in turns'] as const).map((balancing) =>
    fleets.find((fleet) => fleet.instances === most && fleet.balancing === balancing)!,
  );
  const answered = fleets.reduce((sum, { report }) => sum + report.right + report.refused, 0);
  return [
    `wrong answers: 0 of ${countText(answered)}, and 0 of ${countText(crash.report.requests)} around a crash: PASS (0)`,
    `signature checks of ${most} instances, each token on one: ${bound!.checks < loose!.checks ? 'PASS' : 'short'} (${countText(bound!.checks)}, in turns ${countText(loose!.checks)})`,
  ];
}

function drawCrash({ report }: CrashResult): string {
  const columns = ['requests', 'right', 'refused', 'wrong', 'failed', 'failed again when repeated'];
  const values = [report.requests, report.right, report.refused, report.wrong, report.failed, report.failedTwice];
  return drawTable(
    columns.map((title): Column => [title, 'right']),
    [values.map(countText)],
  );
}
