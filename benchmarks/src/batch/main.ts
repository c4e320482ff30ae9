/**
 * `npm run bench:batch`. Question: what does it save to verify many tokens in one call, and where does it come from? Workload: 1,000
 * tokens of about 1 KB, nothing cached; one by one, and with each of the three sources of savings alone and together.
 */
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import {
  type KeySource,
  createLocalKeys,
  createRemoteKeys,
  createVerifier,
  inlineChecks,
  pooledChecks,
  verifyBatch,
} from '@watchword/core';
import { describeMachine, machineLine } from '../report/machine.ts';
import { showProgress } from '../report/progress.ts';
import { type Column, countText, drawTable, drawTargets } from '../report/table.ts';
import type { Target } from '../report/targets.ts';
import { median, medianRatio } from '../statistics.ts';
import { AUDIENCE, ISSUER } from '../tokens/claims.ts';
import { type BenchmarkAlgorithm, type KeyPair, createKeyPair } from '../tokens/key-pair.ts';
import { signTokens } from '../tokens/sign-token.ts';

const HELP = `usage: npm run bench:batch [-- options]    about 1 minute

  --quick       fewer rounds and one algorithm, some seconds: whether it works
  --json FILE   where every round goes (default: nowhere)
  --help        this text

tokens/s: of wall time. pause: longest time in which the event loop could do nothing else. Variants alternate in rounds; medians;
ratios are medians of the ratios within each round. key sets fetched: for a batch whose key nobody knows yet.`;

const TOKENS = 1000;
const FULL = { algorithms: ['ES256', 'RS256', 'EdDSA'], rounds: 15 } as const;
const QUICK = { algorithms: ['ES256'], rounds: 3 } as const;
/** Longest that the event loop may be blocked. */
const PAUSE_LIMIT_MS = 20;

const VARIANTS = ['one by one', 'duplicates', 'all cores', 'together'] as const;
type Variant = (typeof VARIANTS)[number];

interface Turn {
  readonly tokensPerSecond: number;
  readonly pauseMs: number;
}

const COLUMNS: readonly Column[] = [
  ['1,000 tokens, half of them twice', 'left'],
  ['tokens/s', 'right'],
  ['gain', 'right'],
  ['pause', 'right'],
];

const TITLES: Readonly<Record<Variant, string>> = {
  'one by one': 'one by one, each awaited',
  duplicates: 'batch: duplicates alone (checked on this thread)',
  'all cores': 'batch: all cores alone (every token another one)',
  together: 'batch: both',
};

const { values: options } = parseArgs({
  options: { quick: { type: 'boolean', default: false }, json: { type: 'string' }, help: { type: 'boolean', default: false } },
});
if (options.help) console.log(HELP);
else await run(options.quick, options.json);

async function run(quick: boolean, json: string | undefined): Promise<void> {
  const machine = { ...describeMachine(), pinned: false };
  console.log(`${machineLine(machine)}${quick ? '\nQuick run: too short for figures to be quoted.' : ''}\n`);
  const { algorithms, rounds } = quick ? QUICK : FULL;
  const results = [];
  const targets: Target[] = [];
  for (const algorithm of algorithms) {
    const pair = createKeyPair(algorithm);
    const turns = await playRounds(algorithm, pair, rounds);
    showProgress('');
    console.log(`${algorithm}\n${draw(turns)}`);
    const lookUps = await measureLookUps(pair);
    console.log(
      `key sets fetched for a batch whose key nobody knows: ${lookUps.batch}; for as many single verifications at once: ${lookUps.single}\n`,
    );
    targets.push(...targetsOf(algorithm, turns));
    results.push({ algorithm, turns, lookUps });
  }
  console.log(drawTargets(targets));
  if (json !== undefined) writeFileSync(resolve(json), `${JSON.stringify({ machine, quick, results, targets }, undefined, 2)}\n`);
}

type Turns = Readonly<Record<Variant, readonly Turn[]>>;

async function playRounds(algorithm: BenchmarkAlgorithm, pair: KeyPair, rounds: number): Promise<Turns> {
  const distinct = await signTokens(pair, TOKENS);
  const half = distinct.slice(0, TOKENS / 2);
  // A duplicate does not stand beside its first.
  const doubled = [...half, ...half];
  const turns: Record<Variant, Turn[]> = { 'one by one': [], duplicates: [], 'all cores': [], together: [] };
  for (let round = -1; round < rounds; round += 1) {
    showProgress(`${algorithm}: round ${round + 1} of ${rounds}`);
    for (const position of VARIANTS.keys()) {
      const variant = VARIANTS[(position + round + 1) % VARIANTS.length]!;
      const turn = await playTurn(variant, pair, variant === 'all cores' ? distinct : doubled);
      // Compilers warm up in the first.
      if (round >= 0) turns[variant].push(turn);
    }
  }
  return turns;
}

async function playTurn(variant: Variant, pair: KeyPair, tokens: readonly string[]): Promise<Turn> {
  const checks = variant === 'one by one' || variant === 'duplicates' ? inlineChecks : pooledChecks;
  const verifier = createVerifier({ issuers: [policyOf(pair, localKeys(pair))], checks });
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  const startMs = performance.now();
  if (variant === 'one by one') {
    for (const token of tokens) await verifier.verify(token);
  } else {
    const verdicts = await verifyBatch(verifier, tokens);
    if (verdicts.some(({ token }) => token === undefined)) throw new Error('A good token was refused');
  }
  const elapsedMs = performance.now() - startMs;
  // The pause that is still under way counts when the loop comes round again.
  await new Promise((done) => setTimeout(done, 5));
  delay.disable();
  return { tokensPerSecond: (tokens.length * 1000) / elapsedMs, pauseMs: delay.max / 1e6 };
}

function policyOf(pair: KeyPair, keys: KeySource) {
  return { issuer: ISSUER, audience: AUDIENCE, algorithms: [pair.algorithm], keys };
}

function localKeys({ algorithm, material }: KeyPair): KeySource {
  return createLocalKeys({ issuer: ISSUER, keys: [{ alg: algorithm, kid: material.kid, pem: material.pem! }] });
}

// Fetches of the key set: by one batch, and by the same tokens verified at once without one.
async function measureLookUps(pair: KeyPair): Promise<{ readonly batch: number; readonly single: number }> {
  const tokens = await signTokens(pair, 100);
  const fetchesOf = async (work: (keys: KeySource) => Promise<unknown>): Promise<number> => {
    let fetches = 0;
    const server = createServer((_request, response) => {
      fetches += 1;
      response.writeHead(200, { 'content-type': 'application/jwk-set+json' }).end(JSON.stringify({ keys: [pair.material.jwk] }));
    }).listen(0, '127.0.0.1');
    await new Promise((ready) => server.once('listening', ready));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
    const keys = createRemoteKeys({ issuer: ISSUER, algorithms: [pair.algorithm], url, allowInsecure: true });
    await work(keys);
    keys.close();
    server.close();
    server.closeAllConnections();
    return fetches;
  };
  const verifierOf = (keys: KeySource) => createVerifier({ issuers: [policyOf(pair, keys)], checks: pooledChecks });
  return {
    batch: await fetchesOf((keys) => verifyBatch(verifierOf(keys), tokens)),
    single: await fetchesOf((keys) => Promise.all(tokens.map((token) => verifierOf(keys).verify(token)))),
  };
}

function draw(turns: Turns): string {
  const rows = VARIANTS.map((variant) => [
    TITLES[variant],
    countText(median(turns[variant].map(({ tokensPerSecond }) => tokensPerSecond))),
    `${gainOf(turns, variant).toFixed(2)}x`,
    `${median(turns[variant].map(({ pauseMs }) => pauseMs)).toFixed(1)} ms`,
  ]);
  return drawTable(COLUMNS, rows);
}

function targetsOf(algorithm: string, turns: Turns): Target[] {
  const pauses = turns.together.map(({ pauseMs }) => pauseMs / PAUSE_LIMIT_MS);
  return [
    {
      claim: `${algorithm}: batch with duplicates, of one by one`,
      ratio: gainOf(turns, 'together'),
      limit: 2.5,
      bound: 'at least',
    },
    {
      claim: `${algorithm}: longest pause of any round, of ${PAUSE_LIMIT_MS} ms`,
      ratio: Math.max(...pauses),
      limit: 1,
      bound: 'at most',
    },
  ];
}

function gainOf(turns: Turns, variant: Variant): number {
  const speeds = (of: Variant): number[] => turns[of].map(({ tokensPerSecond }) => tokensPerSecond);
  return medianRatio(speeds(variant), speeds('one by one'));
}
