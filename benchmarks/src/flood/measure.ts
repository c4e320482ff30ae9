/** Takes the regulars' times, alone and beside floods. */
import type { RegularsReport } from '../adaptive/regulars.ts';
import { showProgress } from '../report/progress.ts';
import type { MeterReading } from './meter.ts';
import { ALGORITHM, type Stage } from './stage.ts';

/** How long, how often. */
export interface Plan {
  readonly rounds: number;
  readonly turnMs: number;
}

/** What the regulars share the gateway with: nobody, or a flood. */
export const WEATHERS = ['alone', 'no token', 'bad signature', 'unknown key id'] as const;
/** One of them. */
export type Weather = (typeof WEATHERS)[number];

/** One turn. */
export interface Turn extends MeterReading {
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly fetches: number;
  /** Of the flood, what was answered 503. */
  readonly shed: number;
}

/** Those of all rounds. */
export type Turns = Readonly<Record<Weather, Turn[]>>;

const REGULARS_PER_SECOND = 1000;
/** 100,000 in 60 s. */
export const FLOOD_PER_SECOND = 1667;

/** Turns of all weathers, by round. The first round, in which compilers warm up, is left out. */
export async function playRounds(stage: Stage, { rounds, turnMs }: Plan): Promise<Turns> {
  const turns: Turns = { alone: [], 'no token': [], 'bad signature': [], 'unknown key id': [] };
  for (let round = 0; round <= rounds; round += 1) {
    showProgress(`round ${round} of ${rounds}`);
    for (const index of WEATHERS.keys()) {
      const weather = WEATHERS[(round + index) % WEATHERS.length]!;
      const turn = await playTurn(stage, weather, turnMs);
      if (round > 0) turns[weather].push(turn);
    }
  }
  return turns;
}

async function playTurn(stage: Stage, weather: Weather, durationMs: number): Promise<Turn> {
  const { port, gateway, issuer, regulars, intruders, tokenFile, token } = stage;
  const before = await issuer.ask<number>('fetches');
  const rate = { requestsPerSecond: FLOOD_PER_SECOND, durationMs };
  const order = { port, kind: weather, token, algorithm: ALGORITHM, ...rate };
  await gateway.ask('begin');
  const flooding = weather === 'alone' ? Promise.resolve({}) : intruders.ask<Record<string, number>>('flood', order);
  const visit = { port, tokenFile, requestsPerSecond: REGULARS_PER_SECOND, durationMs };
  const [refused, report]: [Readonly<Record<string, number>>, RegularsReport] = await Promise.all([
    flooding,
    regulars.ask<RegularsReport>('visit', visit),
  ]);
  assertAnswers(report.statuses, '200');
  // Signatures that are to be checked may be too many. Nobody else of the flood has a reason to wait.
  assertAnswers(refused, ...(weather === 'bad signature' ? ['401', '503'] : ['401']));
  const reading = await gateway.ask<MeterReading>('read');
  const { p50Ms, p99Ms } = report;
  return { ...reading, p50Ms, p99Ms, fetches: (await issuer.ask<number>('fetches')) - before, shed: refused['503'] ?? 0 };
}

function assertAnswers(statuses: Readonly<Record<string, number>>, ...expected: readonly string[]): void {
  const others = Object.keys(statuses).filter((status) => !expected.includes(status));
  if (others.length > 0) throw new Error(`Answered ${others.join(', ')} where ${expected.join(' or ')} was due`);
}
