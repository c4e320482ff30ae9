/**
 * `npm run chaos` (scorecard row S17). Question: is anything lost, done twice, or done for somebody who must not, while the processes of
 * deferred verification are killed? Workload: real gateways that accept and that work, a service that remembers delivery ids, clients
 * with good and bad tokens; kill -9 all the time; then an independent checker over what clients and service have written down.
 */
import { randomInt } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import process from 'node:process';
import { parseArgs } from 'node:util';
import { isInstalled } from '../process/native.ts';
import { withTemporaryFolder } from '../process/temporary-folder.ts';
import { showProgress } from '../report/progress.ts';
import { countText, drawTable } from '../report/table.ts';
import { checkJournals } from './check.ts';
import type { Counts, Finding, Verdict } from './checker.ts';
import { type JournalFiles, historyOf } from './history.ts';
import { type ChaosRecords, limitMs, playChaos, promisesOf } from './run.ts';
import type { QueueName } from './stage.ts';

const HELP = `usage: npm run chaos -- [options]    100,000 requests: about 8 minutes of processor time, of two cores or more

  --requests N     requests to send, 100 to 10,000,000 (default: 100,000)
  --minutes N      sends for no longer, then looks what became of all that was sent
  --queue NAME     sqlite (default) or redis, which needs redis-server
  --seed N         what is sent and what is killed; a run prints its own. The moments depend on the machine
  --meddle         break things on purpose, between clients, gateways and service: the run has to fail
  --folder FOLDER  where the journals of clients and service stay (default: nowhere)
  --json FILE      where counts and findings go (default: nowhere)
  --help           this text

Two gateways accept, two work; each is killed (kill -9) at random moments and started again, and so are Redis and the server that
tells two of the three issuers' keys. Gateways are given other configurations meanwhile, and the service goes away. Then every receipt
must have come to one end, each good request been done once, no bad one at all, and none for somebody else. Exit code 1, with the
history of the request, when a rule is broken, or when a run takes longer than 5 minutes and 60 ms a request.`;

/** Findings that are shown with their history. */
const MOST_SHOWN = 10;

interface Options {
  readonly requests: number;
  readonly queue: QueueName;
  readonly seed: number;
  readonly minutes: number | undefined;
  readonly isMeddled: boolean;
  readonly folder: string | undefined;
  readonly json: string | undefined;
}

process.exitCode = await main();

async function main(): Promise<number> {
  try {
    const options = readOptions();
    if (options === undefined) console.log(HELP);
    return options === undefined ? 0 : await run(options);
  } catch (error) {
    console.error((error as Error).message);
    return 1;
  }
}

function readOptions(): Options | undefined {
  const { values } = parseArgs({
    options: {
      requests: { type: 'string', default: '100000' },
      queue: { type: 'string', default: 'sqlite' },
      seed: { type: 'string', default: String(randomInt(1, 2 ** 31)) },
      minutes: { type: 'string' },
      meddle: { type: 'boolean', default: false },
      folder: { type: 'string' },
      json: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return undefined;
  const { queue, folder, json } = values;
  if (queue !== 'sqlite' && queue !== 'redis') throw new TypeError('--queue: must be sqlite or redis');
  if (queue === 'redis' && !isInstalled('redis-server'))
    throw new Error('Not installed: redis-server. On Debian: apt-get install redis-server');
  const whole = (name: 'requests' | 'seed' | 'minutes', least: number, most: number): number => {
    const number = Number(values[name]);
    if (!Number.isInteger(number) || number < least || number > most)
      throw new TypeError(`--${name}: must be a whole number from ${least} to ${most}`);
    return number;
  };
  return {
    requests: whole('requests', 100, 10_000_000),
    minutes: values.minutes === undefined ? undefined : whole('minutes', 1, 1440),
    queue,
    seed: whole('seed', 1, 2 ** 31),
    isMeddled: values.meddle,
    folder,
    json,
  };
}

async function run(options: Options): Promise<number> {
  const { requests, minutes, queue, seed, isMeddled, folder: kept, json } = options;
  console.log(
    `${countText(requests)} requests, ${queue}, --seed ${seed}, at most ${Math.round(limitMs(options) / 60_000)} minutes\n`,
  );
  if (kept !== undefined) mkdirSync(resolve(kept), { recursive: true });
  return withTemporaryFolder(async (temporary) => {
    const folder = kept === undefined ? temporary : resolve(kept);
    const records = await playChaos({ requests, minutes, queue, seed, isMeddled, folder, onProgress: showProgress });
    showProgress('');
    const { findings, counts, ends } = await checkJournals(records, promisesOf(options));
    console.log(`${describe(counts, records)}\n\n${drawEnds(ends)}`);
    for (const finding of findings.slice(0, MOST_SHOWN)) await show(finding, records);
    console.log(findings.length === 0 ? '\nno rule is broken' : `\n${findings.length} times a rule is broken`);
    if (json !== undefined) {
      const { seconds, comeAgain } = records;
      writeFileSync(
        resolve(json),
        `${JSON.stringify({ requests, queue, seed, seconds, comeAgain, counts, ends, findings }, undefined, 2)}\n`,
      );
    }
    return findings.length === 0 ? 0 : 1;
  });
}

function describe(counts: Counts, { seconds, comeAgain }: ChaosRecords): string {
  const rows: readonly (readonly [number, string])[] = [
    [counts.orders, 'requests'],
    [counts.kills, `kills, in ${Math.round(seconds)} s`],
    [counts.reloads, 'new configurations that a gateway took while it worked'],
    [comeAgain, 'times a client was told to come again: the queue was full'],
    [counts.unheard, 'requests whose answer was lost in a kill at least once'],
    [counts.turnedAway, 'turned away at the door'],
    [counts.receipts, 'accepted, each with a receipt'],
    [counts.done, '  ended as done'],
    [counts.refused, '  ended as refused'],
    [counts.dead, '  ended as dead letters'],
    [counts.deliveries, 'deliveries to the service'],
    [counts.effects, '  of them with an effect: the others were repeats, declined, or it was not there'],
    [counts.revoked, 'tokens taken back'],
    [counts.deadThough, 'good requests that were tried as often as is allowed, and are dead letters'],
    [counts.doneUnheard, 'refused or dead although they were done: whoever did it was killed before it could say so'],
  ];
  return rows.map(([count, text]) => `${countText(count).padStart(10)}  ${text}`).join('\n');
}

function drawEnds(ends: Verdict['ends']): string {
  const rows = Object.entries(ends).flatMap(([kind, own]) =>
    Object.entries(own).map(([end, count]) => [kind, end === 'answered 0' ? 'not heard of again' : end, countText(count)]),
  );
  return drawTable(
    [
      ['kind of request', 'left'],
      ['what became of it', 'left'],
      ['', 'right'],
    ],
    rows,
  );
}

async function show({ rule, order, text }: Finding, files: JournalFiles): Promise<void> {
  console.log(`\nBROKEN: ${rule}${order === undefined ? '' : ` (${order})`}: ${text}`);
  if (order !== undefined) for (const line of await historyOf(order, files)) console.log(line);
}
