/**
 * `npm run bench:cache`. Questions: what does a hit cost with a thousand and with a million cached tokens, how much memory does a
 * token take, what does a flood of junk do, and what does junk cost that came before?
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { withChildren } from '../process/child.ts';
import { usableCores } from '../process/cores.ts';
import { describeMachine, machineLine } from '../report/machine.ts';
import { showProgress } from '../report/progress.ts';
import { countText, drawTable, drawTargets, timeText } from '../report/table.ts';
import type { Target } from '../report/targets.ts';
import type { FloodResult, HitResult, KnownBadResult } from './measure.ts';

const HELP = `usage: npm run bench:cache [-- options]    the cache: hits, memory, junk; about 5 minutes and 4 GB of memory

  --quick       100,000 tokens instead of a million, and less junk: whether it works, not how fast it is
  --json FILE   where the result goes (default: nowhere)
  --help        this text

huge pages: the measured process runs with GLIBC_TUNABLES=glibc.malloc.hugetlb=1, which asks Linux for pages of 2 MB where
/sys/kernel/mm/transparent_hugepage/enabled says madvise; where it says always, both rows have them.
Targets that are missed are marked in the table; they don't make the run fail. Wrong answers do.`;

/** A token in the cache may take this much, claims included. */
const BYTES_TARGET = 1200;
const POINTS_TARGET = 5;

const { values: options } = parseArgs({
  options: { quick: { type: 'boolean', default: false }, json: { type: 'string' }, help: { type: 'boolean', default: false } },
});
if (options.help) console.log(HELP);
else await main(options.quick, options.json);

async function main(quick: boolean, json: string | undefined): Promise<void> {
  const machine = describeMachine();
  console.log(`${machineLine(machine)}${quick ? '\nQuick run: too short for figures to be quoted.' : ''}\n`);
  const many = quick ? 100_000 : 1_000_000;
  const hits: HitRow[] = [];
  for (const pages of ['small', 'huge'] as const) {
    for (const tokens of [1000, many]) hits.push({ pages, ...(await askHits(tokens, pages, quick)) });
  }
  const flood = await ask<FloodResult>('flood', { junk: quick ? 50_000 : 1_000_000 });
  const knownBad = await ask<KnownBadResult>('knownBad', { rounds: quick ? 5 : 25 });
  showProgress('');
  report(hits, flood, knownBad);
  const targets = targetsOf(hits, flood, knownBad);
  console.log(drawTargets(targets));
  if (json === undefined) return;
  mkdirSync(dirname(resolve(json)), { recursive: true });
  writeFileSync(resolve(json), `${JSON.stringify({ quick, machine, hits, flood, knownBad, targets }, undefined, 2)}\n`);
}

/** Hits with memory in pages of 4 KB, or of 2 MB where the system gives them to whoever asks. */
type HitRow = HitResult & { readonly pages: 'small' | 'huge' };

// A look-up in cold memory waits for the page table too; huge pages have a short one.
function askHits(tokens: number, pages: HitRow['pages'], quick: boolean): Promise<HitResult> {
  const env = { GLIBC_TUNABLES: pages === 'huge' ? 'glibc.malloc.hugetlb=1' : '' };
  return ask<HitResult>('hits', { tokens, batches: quick ? 500 : 3000 }, env);
}

async function ask<Answer>(question: string, argument: object, env: Readonly<Record<string, string>> = {}): Promise<Answer> {
  showProgress(`${question} ${JSON.stringify(argument)}`);
  const nodeOptions = ['--expose-gc', '--max-old-space-size=6144'];
  const core = describeMachine().pinned ? usableCores().at(-1) : undefined;
  const spec = { name: question, script: 'cache/measure.ts', nodeOptions, core, env };
  return withChildren([spec], ([child]) => child!.ask<Answer>(question, argument));
}

function report(hits: readonly HitRow[], flood: FloodResult, { checkNs, knownNs }: KnownBadResult): void {
  const columns = ['hit', 'hit, subject read', 'fill, each', 'longest fill', 'of CPU', 'bytes', 'estimate', 'RSS bytes'].map(
    (title) => [title, 'right'] as const,
  );
  const rows = hits.map((row) => [
    countText(row.tokens),
    row.pages,
    timeText(row.hitNs),
    timeText(row.readNs),
    timeText(row.fillMicros * 1000),
    `${row.longestMs.toFixed(0)} ms`,
    `${row.longestCpuMs.toFixed(0)} ms`,
    ...[row.bytes, row.estimatedBytes, row.rssBytes].map(countText),
  ]);
  console.log(drawTable([['tokens in the cache', 'right'], ['pages', 'left'], ...columns], rows));
  const percent = (share: number): string => `${(share * 100).toFixed(2)} %`;
  console.log(`\n${countText(flood.junk)} junk tokens: hit rate of good users ${percent(flood.hitRateBefore)} without, `);
  console.log(
    `${percent(flood.hitRateDuring)} with them; memory ${countText(flood.bytesBefore)} before, ${countText(flood.bytesAfter)} after`,
  );
  console.log(`Junk that came before: ${timeText(knownNs)}; checking its signature (RS256): ${timeText(checkNs)}\n`);
}

function targetsOf(hits: readonly HitRow[], flood: FloodResult, { checkNs, knownNs }: KnownBadResult): Target[] {
  const lost = (flood.hitRateBefore - flood.hitRateDuring) * 100;
  const most = (claim: string, ratio: number, limit: number): Target => ({ claim, ratio, limit, bound: 'at most' });
  const [few, many, fewHuge, manyHuge] = hits;
  const among = `A hit among ${countText(many!.tokens)} tokens, to one among 1,000`;
  return [
    most(`${among}, huge pages`, manyHuge!.hitNs / fewHuge!.hitNs, 2),
    most(`${among}, pages of 4 KB`, many!.hitNs / few!.hitNs, 2),
    most(`Memory of a token with claims, to ${countText(BYTES_TARGET)} bytes`, many!.bytes / BYTES_TARGET, 1),
    most(`Hit rate of good users lost to junk, to ${POINTS_TARGET} points`, Math.max(0, lost) / POINTS_TARGET, 1),
    most('Memory after the junk, to before', flood.bytesAfter / flood.bytesBefore, 1.05),
    most('Junk that came before, to its signature check (RS256)', knownNs / checkNs, 0.25),
  ];
}
