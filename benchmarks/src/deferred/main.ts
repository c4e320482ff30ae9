/**
 * `npm run bench:deferred`. Question: what does it cost to accept a request now and verify it later, and how many can be accepted
 * durably? Workload: requests with tokens of about 1 KB and a body of 256 bytes, 256 at a time, into a SQLite queue on this disk.
 */
import { writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { type Child, withChildren } from '../process/child.ts';
import { canPin, usableCores } from '../process/cores.ts';
import { withTemporaryFolder } from '../process/temporary-folder.ts';
import { describeMachine, machineLine } from '../report/machine.ts';
import { showProgress } from '../report/progress.ts';
import { countText, drawTable, drawTargets } from '../report/table.ts';
import type { Target } from '../report/targets.ts';
import { median, medianRatio } from '../statistics.ts';
import { createKeyPair } from '../tokens/key-pair.ts';
import { signTokens } from '../tokens/sign-token.ts';
import { writeTokenFile } from '../tokens/token-file.ts';
import { countStored, isDisk, measureSync } from './disk.ts';
import { type GatewayTurn, type PlayGateway, withGateway } from './gateway.ts';
import type { Preparation, Turn } from './work.ts';

const HELP = `usage: npm run bench:deferred [-- options]    about 2 minutes

  --quick       fewer and shorter rounds, some seconds: whether it works, not how fast it is
  --json FILE   where every round goes (default: nowhere)
  --help        this text

CPU: processor time of the whole process for one request, the thread that writes to the disk and the system's work for it included.
accept: the gateway's door without HTTP: cheap checks, seal, durable storage. verify: the same tokens, none of them known. Both
processes are bound to one core and take turns; medians; ratios are medians of the ratios within each round. An acceptance is
answered once its commit was synced; afterwards the queue has to hold every request that was answered.
gateway: all of it on one core, HTTP included; the inline route verifies each token, mints a Txn-Token and calls the service behind.`;

const ALGORITHM = 'ES256';
const FULL = { tokens: 2000, rounds: 21, warmUpRounds: 2, warmUpTurns: 20, turnMs: 2000 } as const;
const QUICK = { tokens: 2000, rounds: 5, warmUpRounds: 1, warmUpTurns: 15, turnMs: 1000 } as const;
type Plan = typeof FULL | typeof QUICK;

/** Requests per second and core that have to be accepted. */
const RATE = 3000;

const COLUMNS = [
  ['one request', 'left'],
  ['CPU', 'right'],
  ['of it main', 'right'],
  ['per s of CPU', 'right'],
  ['per s', 'right'],
] as const;

const TITLES: Readonly<Record<keyof Turns, string>> = {
  verify: 'verify ES256, not cached',
  accept: 'accept, durable',
  inline: 'gateway: verified at once, not cached',
  deferred: 'gateway: accepted, durable',
};

const { values: options } = parseArgs({
  options: { quick: { type: 'boolean', default: false }, json: { type: 'string' }, help: { type: 'boolean', default: false } },
});
if (options.help) console.log(HELP);
else await run(options.quick, options.json);

interface Turns {
  readonly verify: Turn[];
  readonly accept: Turn[];
  readonly deferred: GatewayTurn[];
  readonly inline: GatewayTurn[];
}

async function run(quick: boolean, json: string | undefined): Promise<void> {
  const machine = describeMachine();
  console.log(`${machineLine(machine)}${quick ? '\nQuick run: too short for figures to be quoted.' : ''}\n`);
  const plan = quick ? QUICK : FULL;
  await withTemporaryFolder(async (folder) => {
    const disk = { isDisk: isDisk(folder), syncMs: measureSync(folder) };
    const turns = await measure(folder, plan);
    showProgress('');
    console.log(`${draw(turns)}\n`);
    console.log(
      `one sync of one page: ${disk.syncMs.toFixed(2)} ms${disk.isDisk ? '' : ', of memory: nothing here is durable'}\n`,
    );
    const targets = targetsOf(turns);
    console.log(drawTargets(targets));
    const result = { machine, quick, plan, disk, turns, targets };
    if (json !== undefined) writeFileSync(resolve(json), `${JSON.stringify(result, undefined, 2)}\n`);
  });
}

async function measure(folder: string, plan: Plan): Promise<Turns> {
  const pair = createKeyPair(ALGORITHM);
  const tokenFile = join(folder, 'tokens');
  writeTokenFile(tokenFile, await signTokens(pair, plan.tokens));
  const queueFile = join(folder, 'queue.db');
  const preparation: Preparation = { tokenFile, kid: pair.material.kid, pem: pair.material.pem!, queueFile };
  const [core] = canPin() ? usableCores() : [];
  const specs = ['verifier', 'acceptor'].map((name) => ({
    name,
    script: `deferred/${name}.ts`,
    core,
  }));
  return withChildren(specs, async ([verifier, acceptor]) => {
    for (const child of [verifier!, acceptor!]) await child.ask('prepare', preparation);
    return withGateway(folder, pair, tokenFile, async (play) => {
      const turns = await playRounds(verifier!, acceptor!, play, plan);
      const accepted = (plan.warmUpTurns + plan.warmUpRounds + plan.rounds) * plan.tokens;
      const stored = countStored(queueFile);
      if (stored !== accepted) throw new Error(`${accepted} requests were accepted, and the queue holds ${stored}`);
      return turns;
    });
  });
}

async function playRounds(verifier: Child, acceptor: Child, play: PlayGateway, plan: Plan): Promise<Turns> {
  const turns: Turns = { verify: [], accept: [], deferred: [], inline: [] };
  showProgress('warming up');
  // Compilers take their last decisions after tens of thousands of calls, and work beside what is measured until then.
  for (let turn = 0; turn < plan.warmUpTurns; turn += 1) for (const child of [verifier, acceptor]) await child.ask<Turn>('turn');
  const ways = [
    async () => turns.verify.push(await verifier.ask<Turn>('turn')),
    async () => turns.accept.push(await acceptor.ask<Turn>('turn')),
    async () => turns.deferred.push(await play('deferred', plan.turnMs)),
    async () => turns.inline.push(await play('inline', plan.turnMs)),
  ];
  for (let round = -plan.warmUpRounds; round < plan.rounds; round += 1) {
    showProgress(round < 0 ? 'warming up' : `round ${round + 1} of ${plan.rounds}`);
    for (const way of round % 2 === 0 ? ways : ways.toReversed()) await way();
    if (round === -1) for (const list of Object.values(turns)) list.length = 0;
  }
  return turns;
}

function draw(turns: Turns): string {
  const rows = (Object.keys(TITLES) as (keyof Turns)[]).map((name) => {
    const list: readonly (GatewayTurn & Partial<Turn>)[] = turns[name];
    const cpuUs = median(list.map((turn) => turn.cpuUs));
    const main = list.flatMap(({ mainUs }) => mainUs ?? []);
    return [
      TITLES[name],
      `${cpuUs.toFixed(1)} us`,
      main.length === 0 ? '' : `${median(main).toFixed(1)} us`,
      countText(1e6 / cpuUs),
      countText(median(list.map(({ perSecond }) => perSecond))),
    ];
  });
  return drawTable(COLUMNS, rows);
}

function targetsOf({ verify, accept, deferred, inline }: Turns): Target[] {
  const cpu = (list: readonly GatewayTurn[]): number[] => list.map(({ cpuUs }) => cpuUs);
  return [
    {
      claim: 'CPU of accepting, of that of verifying',
      ratio: medianRatio(cpu(accept), cpu(verify)),
      limit: 0.5,
      bound: 'at most',
    },
    {
      claim: 'CPU of the gateway for accepting, of that for verifying at once',
      ratio: medianRatio(cpu(deferred), cpu(inline)),
      limit: 0.5,
      bound: 'at most',
    },
    {
      claim: `accepted by the gateway per second of processor time, of ${countText(RATE)}`,
      ratio: 1e6 / median(cpu(deferred)) / RATE,
      limit: 1,
      bound: 'at least',
    },
    {
      claim: `accepted by the gateway per second on the clock, on one core, of ${countText(RATE)}`,
      ratio: median(deferred.map(({ perSecond }) => perSecond)) / RATE,
      limit: 1,
      bound: 'at least',
    },
  ];
}
