/** `watchword queue`: what waits in the queue of deferred requests, and what could not be done. */
import { existsSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import type { Command } from 'commander';
import type { DeadLetter, Queue } from '@watchword/deferred';
import { loadConfig, openDeferredQueue } from '@watchword/gateway';
import { describeFailure } from '../failure.ts';
import { printable } from '../printable.ts';
import { queueText } from '../queue-text.ts';
import { EXIT, type Terminal } from '../terminal.ts';

interface QueueOptions {
  readonly config: string;
  readonly json?: true;
}

/** Adds the command and its subcommands. */
export function addQueueCommand(program: Command, terminal: Terminal, done: (code: number) => void): void {
  const queue = program
    .command('queue')
    .description('Show the queue of deferred requests; read, replay or purge its dead letters.')
    .addHelpText('after', HELP);
  const add = (name: string, text: string, work: (queue: Queue, ids: string[]) => Promise<Shown>): void => {
    queue
      .command(name)
      .description(text)
      .requiredOption('-c, --config <file>', 'configuration of the gateway')
      .option('--json', 'print the result as JSON')
      .action(async (...given: unknown[]) => {
        const command = given.at(-1) as Command;
        done(await runWith(command.opts<QueueOptions>(), command.args, work, terminal));
      });
  };
  add('stats', 'Depth, age, rates, dead letters, and who holds how much', async (opened) => {
    const stats = await opened.stats();
    return { json: stats, text: queueText(stats) };
  });
  add('dead', 'List the dead letters, oldest first', async (opened) => showDead(await allDead(opened)));
  add('replay <id...>', 'Put dead letters back; all: every one', async (opened, ids) =>
    showMoved('put back', await opened.replay(await wanted(opened, ids)), ids),
  );
  add('purge <id...>', 'Forget dead letters; all: every one', async (opened, ids) =>
    showMoved('forgotten', await opened.purge(await wanted(opened, ids)), ids),
  );
}

/** A result, for machines and for people. */
interface Shown {
  readonly json: unknown;
  readonly text: string;
  /** Whether something that was asked for could not be done. */
  readonly isShort?: boolean;
}

async function runWith(
  { config: file, json }: QueueOptions,
  ids: string[],
  work: (queue: Queue, ids: string[]) => Promise<Shown>,
  terminal: Terminal,
): Promise<number> {
  let queue: Queue | undefined;
  try {
    const config = loadConfig(file);
    if (config.deferred === undefined) throw new Error(`${file}: has no section deferred`);
    const { sqlite } = config.deferred.queue;
    const path = sqlite === undefined ? undefined : resolve(dirname(file), sqlite);
    // Looking must not make one.
    if (path !== undefined && !existsSync(path)) {
      throw new Error(`${path}: is not there; no gateway has deferred anything yet`);
    }
    queue = openDeferredQueue(config, { looksOnly: true, onWarning: (warning) => terminal.err(`warning: ${warning}\n`) });
    const { json: content, text, isShort } = await work(queue, ids);
    terminal.out(json ? `${JSON.stringify(content, undefined, 2)}\n` : text);
    return isShort ? EXIT.refused : EXIT.ok;
  } catch (error) {
    terminal.err(describeFailure(error));
    return EXIT.usage;
  } finally {
    await queue?.close();
  }
}

const PAGE = 500;

async function allDead(queue: Queue): Promise<DeadLetter[]> {
  const letters: DeadLetter[] = [];
  for (;;) {
    const after = letters.at(-1)?.id;
    const page = await queue.dead({ limit: PAGE, ...(after === undefined ? {} : { after }) });
    letters.push(...page);
    if (page.length < PAGE) return letters;
  }
}

async function wanted(queue: Queue, ids: readonly string[]): Promise<readonly string[]> {
  return ids.length === 1 && ids[0] === 'all' ? (await allDead(queue)).map(({ id }) => id) : ids;
}

function showDead(letters: readonly DeadLetter[]): Shown {
  const lines = letters.map(
    ({ id, route, reason, attempts, endedAtMs }) =>
      `${id}  ${new Date(endedAtMs).toISOString()}  ${printable(reason)} after ${attempts} attempts  ${printable(route)}`,
  );
  return { json: letters, text: lines.length === 0 ? 'no dead letters\n' : `${lines.join('\n')}\n` };
}

function showMoved(what: string, moved: readonly string[], ids: readonly string[]): Shown {
  const asked = ids.length === 1 && ids[0] === 'all' ? moved : ids;
  const there = new Set(moved);
  const missing = asked.filter((id) => !there.has(id));
  const rest = missing.length === 0 ? '' : `; not: ${missing.map(printable).join(', ')}`;
  return { json: { moved, missing }, text: `${moved.length} ${what}${rest}\n`, isShort: missing.length > 0 };
}

const HELP = `
Exit code: 0 done, 1 some of the ids were not there or too old to run, 2 wrong usage, or the queue cannot be asked.

Examples:
  $ watchword queue stats --config watchword.yaml
  $ watchword queue dead --config watchword.yaml --json
  $ watchword queue replay --config watchword.yaml all`;
