import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { amount, freshSeed } from '../../../core/test/support/campaign.ts';
import { ConfigError, parseConfig } from '../../src/index.ts';
import { type ReloadingEdge, startReloadingEdge } from '../support/reloading.ts';
import { valueOf } from '../support/threads.ts';
import { startUpstream } from '../support/upstream.ts';

const NO_TOKEN = {};
const MUTATIONS = amount(500, 5000);
const LIMIT = { timeout: amount(20_000, 900_000) };

describe(`S19: ${MUTATIONS} mutated configurations pushed by reload`, () => {
  test('0 fail open, 0 crashes: each is refused and the old one kept, or is good and in force', LIMIT, async () => {
    const seed = freshSeed();
    const random = generator(seed);
    const edge = await startReloadingEdge((await startUpstream()).url);
    const good = readFileSync(edge.file, 'utf8');
    let active = good;
    const counts = { applied: 0, refused: 0 };
    for (let round = 0; round < MUTATIONS; round += 1) {
      const text = mutate(good, random);
      edge.writeText(text);
      const isApplied = await edge.reload().then(
        () => true,
        (error: unknown) => {
          expect(error, `seed ${seed}`).toBeInstanceOf(ConfigError);
          return false;
        },
      );
      counts[isApplied ? 'applied' : 'refused'] += 1;
      if (isApplied) active = text;
      expect(isApplied ? isGood(text, edge) : true, `seed ${seed}: ${text}`).toBe(true);
      await expectDenied(edge, active, `seed ${seed}, round ${round}`);
    }
    const metrics = await edge.metrics();
    expect(valueOf(metrics, 'watchword_config_reloads_total{result="applied"}')).toBe(counts.applied);
    expect(valueOf(metrics, 'watchword_config_reloads_total{result="refused"}')).toBe(counts.refused);
    // Most changes are mistakes; were they not, this would test nothing.
    expect(counts.refused).toBeGreaterThan(MUTATIONS / 2);
    edge.writeText(good);
    await edge.reload();
    expect(await edge.get('/api/x')).toBe(200);
    expect(await edge.get('/open', NO_TOKEN)).toBe(200);
  });
});

/** Who has no token gets nothing from the guarded route, unless the configuration in force says in so many words that it is public. */
async function expectDenied(edge: ReloadingEdge, active: string, message: string): Promise<void> {
  const routes = parseConfig(active, edge.file).routes;
  const isPublic = routes.some(
    (route) => route.public && (route.path === '/api/*' || route.path === '/*' || route.path === '/api/x'),
  );
  const status = await edge.get('/api/x', NO_TOKEN);
  if (!isPublic) expect([401, 404, 400, 405], message).toContain(status);
  expect(await edge.get('/nowhere', NO_TOKEN), message).not.toBe(200);
}

function isGood(text: string, edge: ReloadingEdge): boolean {
  parseConfig(text, edge.file);
  return true;
}

/** One to three mistakes of the kind that hands and templates make. */
function mutate(text: string, random: () => number): string {
  let mutated = text;
  const times = 1 + Math.floor(random() * 3);
  for (let time = 0; time < times; time += 1) mutated = MISTAKES[Math.floor(random() * MISTAKES.length)]!(mutated, random);
  return mutated === text ? `${text}routes: []\n` : mutated;
}

const anywhere = (text: string, random: () => number): number => Math.floor(random() * text.length);
const lineOf = (lines: readonly string[], random: () => number): number => Math.floor(random() * lines.length);
const inLines =
  (change: (lines: string[], random: () => number) => void) =>
  (text: string, random: () => number): string => {
    const lines = text.split('\n');
    change(lines, random);
    return lines.join('\n');
  };

const MISTAKES: readonly ((text: string, random: () => number) => string)[] = [
  (text, random) => text.slice(0, anywhere(text, random)),
  (text, random) => {
    const at = anywhere(text, random);
    return text.slice(0, at) + String.fromCharCode(32 + Math.floor(random() * 95)) + text.slice(at + 1);
  },
  (text, random) => {
    const at = anywhere(text, random);
    return text.slice(0, at) + text.slice(at + 1 + Math.floor(random() * 8));
  },
  inLines((lines, random) => void lines.splice(lineOf(lines, random), 1)),
  inLines((lines, random) => void lines.splice(lineOf(lines, random), 0, lines[lineOf(lines, random)]!)),
  inLines((lines, random) => {
    const at = lineOf(lines, random);
    lines[at] = ` ${lines[at]}`;
  }),
  inLines((lines, random) => {
    const at = lineOf(lines, random);
    lines[at] = lines[at]!.replace(/: .*/, random() < 0.5 ? ': null' : ':');
  }),
  inLines((lines, random) => {
    const at = lineOf(lines, random);
    lines[at] = lines[at]!.replace(
      /: .*/,
      `: ${['-1', 'yes', '[]', '{}', '99999999999', '""', '*a', '!x y'][Math.floor(random() * 8)]}`,
    );
  }),
  (text) => text.replace(/jwksFile: .*/, 'jwksFile: /nonexistent.json'),
  (text) => text.replace('ES256', 'none'),
  (text) => text.replace(/upstream: main/, 'upstream: mian'),
  (text) => `${text}${text}`,
  (text) => text.replaceAll('  ', '\t'),
  (text) => text.replace(/issuers:[^]*?(?=txnToken)/, ''),
  (text) => text.replace(/txnToken:[^]*?(?=upstreams)/, ''),
];

/** Numbers from 0 to 1 that a seed repeats (a linear congruential generator). */
function generator(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}
