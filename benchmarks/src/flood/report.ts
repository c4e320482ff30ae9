/** Tables of the flood, and what is compared. */
import { median, medianRatio } from '../statistics.ts';
import { type Column, drawTable, ratioText } from '../report/table.ts';
import type { Target } from '../report/targets.ts';
import { FLOOD_PER_SECOND, type Turn, type Turns, WEATHERS, type Weather } from './measure.ts';

/** A ratio that nobody promised. */
export type Share = Pick<Target, 'claim' | 'ratio'>;

const COLUMNS: readonly Column[] = [
  ['regulars, beside', 'left'],
  ['of it a second', 'right'],
  ['p50', 'right'],
  ['p99', 'right'],
  ['p99 in the gateway', 'right'],
  ['of its CPU', 'right'],
  ['event loop late, p99', 'right'],
  ['collections/s', 'right'],
  ['of', 'right'],
  ['CPU of a core', 'right'],
  ['key sets fetched', 'right'],
  ['503', 'right'],
];

const NAMES: Readonly<Record<Weather, string>> = {
  alone: 'nobody',
  elsewhere: 'a flood of another server',
  'no token': 'no token',
  'bad signature': 'bad signature',
  'unknown key id': 'unknown key id',
};

/** A line for each weather. */
export function draw(turns: Turns): string {
  const rows = WEATHERS.map((weather) => {
    const middle = (name: keyof Turn): number => median(turns[weather].map((turn) => turn[name]));
    return [
      NAMES[weather],
      middle('floodPerSecond').toFixed(0),
      `${middle('p50Ms').toFixed(3)} ms`,
      `${middle('p99Ms').toFixed(3)} ms`,
      `${middle('servedP99Ms').toFixed(3)} ms`,
      `${middle('servedCpuP99Ms').toFixed(3)} ms`,
      `${middle('loopP99Ms').toFixed(3)} ms`,
      middle('collections').toFixed(1),
      `${middle('collectedMs').toFixed(1)} ms`,
      `${(middle('cpuMs') / 10).toFixed(0)} %`,
      String(turns[weather].reduce((sum, { fetches }) => sum + fetches, 0)),
      String(turns[weather].reduce((sum, { shed }) => sum + shed, 0)),
    ];
  });
  return drawTable(COLUMNS, rows);
}

/** What was promised (S14). */
export function targetsOf(turns: Turns): readonly Target[] {
  const asked = turns['unknown key id'].map(({ floodPerSecond }) => floodPerSecond / FLOOD_PER_SECOND);
  return [
    { ...compare(turns, 'alone', 'p99Ms'), limit: 1.1, bound: 'at most' },
    { claim: 'unknown key ids, of 100,000 in 60 s', ratio: median(asked), limit: 1, bound: 'at least' },
  ];
}

/** What tells the key ids' share from that of the load, and the gateway's from that of its clients. */
export function ratiosOf(turns: Turns): readonly Share[] {
  return [
    compare(turns, 'elsewhere', 'p99Ms'),
    compare(turns, 'no token', 'p99Ms'),
    compare(turns, 'bad signature', 'p99Ms'),
    compare(turns, 'alone', 'servedP99Ms'),
    compare(turns, 'alone', 'servedCpuP99Ms'),
    compare(turns, 'no token', 'servedCpuP99Ms'),
  ];
}

/** One line for each. */
export function drawShares(shares: readonly Share[]): string {
  return shares.map((share) => `  ${share.claim}: ${ratioText(share.ratio)}x`).join('\n');
}

const PLACES = { p99Ms: '', servedP99Ms: ' in the gateway', servedCpuP99Ms: " in the gateway's CPU time" } as const;

function compare(turns: Turns, other: Weather, name: keyof typeof PLACES): Share {
  const [flooded, compared] = (['unknown key id', other] as const).map((weather) => turns[weather].map((turn) => turn[name]));
  const company = other === 'alone' ? other : `beside ${NAMES[other]}`;
  const claim = `p99 of the regulars${PLACES[name]} beside unknown key ids, of that ${company}`;
  return { claim, ratio: medianRatio(flooded!, compared!) };
}
