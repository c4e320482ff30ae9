/**
 * `npm run bench:network`. Question: how many octets does it take to carry a caller's identity to the next service? Workload: GET
 * requests without a body (gRPC: an empty message) of 1, 10, 100 and 1,000 callers in turns over one warm TCP connection, counted on the
 * wire by a relay.
 */
import { writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { describeMachine, machineLine } from '../report/machine.ts';
import { showProgress } from '../report/progress.ts';
import { CONTENDERS } from './contenders.ts';
import { measureCell } from './measure.ts';
import { type Line, drawLines, drawTargets, drawTraces, targetsOf } from './report.ts';
import { type CallerTokens, createCallerTokens } from './tokens.ts';
import { measureTraces } from './traces.ts';

const HELP = `usage: npm run bench:network [-- options]    about a minute

  --quick       fewer requests and at most 100 callers, under 15 seconds; the targets are about 1,000
  --json FILE   where every figure goes (default: nowhere)
  --help        this text

octets: towards the server, for each request, header fields and framing; for gRPC 14 of them are the empty message. token: what
the token adds to the same request without one. Octets do not depend on how busy the machine is; processor time does.`;

const FULL = { callers: [1, 10, 100, 1000], requests: 3000 };
const QUICK = { callers: [1, 10, 100], requests: 300 };

const { values: options } = parseArgs({
  options: { quick: { type: 'boolean', default: false }, json: { type: 'string' }, help: { type: 'boolean', default: false } },
});
if (options.help) console.log(HELP);
else await measure(options.quick, options.json);

async function measure(isQuick: boolean, json: string | undefined): Promise<void> {
  const machine = { ...describeMachine(), pinned: false };
  const plan = isQuick ? QUICK : FULL;
  const tokens = await createCallerTokens(Math.max(...plan.callers));
  const [bearer, txn] = [tokens.bearer[0]!.length, tokens['txn-token'][0]!.length];
  console.log(`${machineLine(machine)}\nexternal token ${bearer} characters, Txn-Token ${txn}\n`);
  const lines = await measureAll(plan, tokens);
  showProgress('trace ids');
  const traces = await measureTraces(Math.max(...plan.callers), plan.requests, tokens);
  showProgress('');
  const targets = targetsOf(lines);
  for (const text of [drawLines(lines), drawTraces(traces), drawTargets(targets)]) console.log(text);
  if (json !== undefined)
    writeFileSync(resolve(json), `${JSON.stringify({ machine, isQuick, lines, traces, targets }, undefined, 2)}\n`);
}

async function measureAll(plan: typeof FULL, tokens: CallerTokens): Promise<Line[]> {
  const lines: Line[] = [];
  for (const contender of CONTENDERS) {
    const { name, carries, tables } = contender;
    showProgress(`${name}, ${carries}, tables ${tables}`);
    const { requests } = plan;
    const without = await measureCell({ contender, tokens: [], callers: 1, requests: 200 });
    const cells = [];
    for (const callers of plan.callers)
      cells.push({
        callers,
        ...(await measureCell({ contender, tokens: tokens[carries].slice(0, callers), callers, requests })),
      });
    lines.push({ name, carries, tables, withoutToken: without.perRequest, cells });
  }
  return lines;
}
