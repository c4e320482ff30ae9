/** Takes the regulars' times, alone and beside floods. */
import { setTimeout as delay } from 'node:timers/promises';
import type { RegularsReport } from '../adaptive/regulars.ts';
import { showProgress } from '../report/progress.ts';
import { type FloodReport, type Kind, flood } from './intruders.ts';
import type { MeterReading } from './meter.ts';
import { ALGORITHM, type Stage } from './stage.ts';

/** How long, how often. */
export interface Plan {
  readonly rounds: number;
  /** Of the flood; the regulars come a little later and go a little earlier. */
  readonly turnSeconds: number;
}

/**
 * What the regulars are beside: nobody; a flood of another server, which has nothing to do with the gateway, on the core of the clients;
 * floods of the gateway.
 */
export const WEATHERS = ['alone', 'elsewhere', 'no token', 'bad signature', 'unknown key id'] as const;
/** One of them. */
export type Weather = (typeof WEATHERS)[number];

/** One turn. */
export interface Turn extends Omit<MeterReading, 'statuses'> {
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly fetches: number;
  /** Answers to the flood. */
  readonly floodPerSecond: number;
  /** Of the flood, what was answered 503. */
  readonly shed: number;
}

/** Those of all rounds. */
export type Turns = Readonly<Record<Weather, Turn[]>>;

const REGULARS_PER_SECOND = 1000;
/** 100,000 in 60 s. */
export const FLOOD_PER_SECOND = 1667;
/** A little more is sent, because its first moments count too, in which it only connects. */
const SENT_PER_SECOND = 1750;
const HEAD_START_MS = 300;
const REST_MS = 400;

/** Turns of all weathers, by round. The first round, in which compilers warm up, is left out. */
export async function playRounds(stage: Stage, { rounds, turnSeconds }: Plan): Promise<Turns> {
  const turns: Turns = { alone: [], elsewhere: [], 'no token': [], 'bad signature': [], 'unknown key id': [] };
  for (let round = 0; round <= rounds; round += 1) {
    showProgress(`round ${round} of ${rounds}`);
    for (const index of WEATHERS.keys()) {
      const weather = WEATHERS[(round + index) % WEATHERS.length]!;
      const turn = await playTurn(stage, weather, turnSeconds);
      if (round > 0) turns[weather].push(turn);
    }
  }
  return turns;
}

async function playTurn(stage: Stage, weather: Weather, turnSeconds: number): Promise<Turn> {
  const { port, gateway, issuer, regulars, tokenFile } = stage;
  const before = await issuer.ask<number>('fetches');
  await gateway.ask('begin');
  const durationMs = turnSeconds * 1000 - HEAD_START_MS - REST_MS;
  const visit = { port, tokenFile, requestsPerSecond: REGULARS_PER_SECOND, durationMs };
  const visiting = async (): Promise<RegularsReport> => {
    await delay(HEAD_START_MS);
    await regulars.ask('join', visit);
    // All of them connected at once: longer than anything that comes.
    await gateway.ask('forget');
    return regulars.ask<RegularsReport>('visit', visit);
  };
  const [flooded, report] = await Promise.all([floodBy(stage, weather, turnSeconds), visiting()]);
  const { statuses, ...reading } = await gateway.ask<MeterReading>('read');
  assertAnswers(weather, report, statuses, flooded);
  const { p50Ms, p99Ms } = report;
  return {
    ...reading,
    p50Ms,
    p99Ms,
    fetches: (await issuer.ask<number>('fetches')) - before,
    floodPerSecond: flooded?.perSecond ?? 0,
    shed: statuses['503'] ?? 0,
  };
}

async function floodBy(stage: Stage, weather: Weather, seconds: number): Promise<FloodReport | undefined> {
  if (weather === 'alone') return undefined;
  const [port, kind]: [number, Kind] = weather === 'elsewhere' ? [stage.elsewherePort, 'unknown key id'] : [stage.port, weather];
  const { token, othersCore: core } = stage;
  return flood({ port, kind, token, algorithm: ALGORITHM, requestsPerSecond: SENT_PER_SECOND, seconds, core });
}

// Numbers about another workload than the one that is stated are worth nothing.
function assertAnswers(
  weather: Weather,
  { statuses: regulars }: RegularsReport,
  gateway: Readonly<Record<string, number>>,
  flooded: FloodReport | undefined,
): void {
  assertOnly(regulars, '200');
  // Signatures that are to be checked may be too many. Nobody else of the flood has a reason to wait.
  assertOnly(gateway, '200', '401', ...(weather === 'bad signature' ? ['503'] : []));
  if (flooded === undefined || weather === 'elsewhere') return;
  if (flooded.refused !== flooded.answers) throw new Error(`${flooded.answers - flooded.refused} of the flood were let in`);
}

function assertOnly(statuses: Readonly<Record<string, number>>, ...expected: readonly string[]): void {
  const others = Object.keys(statuses).filter((status) => !expected.includes(status));
  if (others.length > 0) throw new Error(`Answered ${others.join(', ')} where ${expected.join(' or ')} was due`);
}
