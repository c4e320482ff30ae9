/**
 * `npm run bench:flood` (scorecard row S14). Question: what does a flood of unknown key ids do to everybody else, and what of that would
 * any other flood do too? Workload: a gateway whose issuer publishes one key; regulars with good tokens at a fixed rate; beside them
 * 100,000 unknown key ids a minute, or as many bad signatures, or requests without a token, or nobody, or a flood of another server.
 */
import { writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { describeMachine, machineLine } from '../report/machine.ts';
import { showProgress } from '../report/progress.ts';
import { drawTargets } from '../report/table.ts';
import { type Plan, playRounds } from './measure.ts';
import { draw, drawShares, ratiosOf, targetsOf } from './report.ts';
import { assertInstalled, withStage } from './stage.ts';

const HELP = `usage: npm run bench:flood [-- options]    about 6 minutes; needs nginx and wrk

  --quick       fewer and shorter rounds, half a minute: whether it works, not how it is
  --json FILE   where every round goes (default: nowhere)
  --help        this text

Regulars: so many requests a second with tokens that the gateway knows, each timed from sending to the answer, and in the gateway from
having been read to the answer that was written. All of theirs must be answered 200, all of the flood's 401 (or 503, where signatures
would have to be checked and are too many). The gateway has a core of its own; everybody else shares another one, and the flood, a
program in C, gives way there (nice 19). What it does to the clients there, whomever it is meant for, is seen beside the same flood of a
server that has nothing to do with the gateway and gives way too. Turns take turns at being first; medians of the rounds.`;

const FULL: Plan = { rounds: 11, turnSeconds: 5 };
const QUICK: Plan = { rounds: 2, turnSeconds: 2 };

const { values: options } = parseArgs({
  options: { quick: { type: 'boolean', default: false }, json: { type: 'string' }, help: { type: 'boolean', default: false } },
});
if (options.help) console.log(HELP);
else await run(options.quick, options.json);

async function run(quick: boolean, json: string | undefined): Promise<void> {
  assertInstalled();
  const machine = describeMachine();
  console.log(`${machineLine(machine)}${quick ? '\nQuick run: too short for figures to be quoted.' : ''}\n`);
  const plan = quick ? QUICK : FULL;
  const turns = await withStage((stage) => playRounds(stage, plan));
  showProgress('');
  console.log(draw(turns));
  const targets = targetsOf(turns);
  console.log(drawTargets(targets));
  const shares = ratiosOf(turns);
  console.log(`To tell what is the key ids' and what is the load's:\n${drawShares(shares)}`);
  if (json !== undefined)
    writeFileSync(resolve(json), `${JSON.stringify({ machine, quick, plan, turns, targets, shares }, undefined, 2)}\n`);
}
