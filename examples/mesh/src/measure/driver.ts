/** The clients: a process of its own that sends requests, checks every answer and notes how long it took. */
import { onQuestion, announce } from '../process/worker.ts';
import { setTimeout as sleep } from 'node:timers/promises';
import { Pool } from 'undici';
import type { UserToken } from '../provider/tokens.ts';
import { type Crowd, createCallers } from './callers.ts';
import { quantile } from './statistics.ts';

/** What to send. Ends at whichever limit comes first. */
export interface Drive extends Pick<Crowd, 'zipf' | 'joinMs'> {
  /** Origin of the edge. */
  readonly origin: string;
  /** Host field; default: that of the origin. */
  readonly host?: string;
  /** Which of the tokens to use, in turn: from this one ... */
  readonly from: number;
  /** ... up to, and without, this one. */
  readonly to: number;
  /** Requests in flight; with `perSecond` the connections. */
  readonly concurrency: number;
  /** Requests set out at random times, so many a second, however slow the answers are. Default: one after the other. */
  readonly perSecond?: number;
  readonly requests: number;
  readonly durationMs: number;
}

/** What came of it. */
export interface Driven {
  readonly requests: number;
  readonly errors: number;
  /** What was wrong with the first wrong answer. */
  readonly firstError?: string;
  readonly elapsedMs: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

const SERVICES = ['inventory', 'orders', 'pricing', 'tax'];
const RESPONSE_LIMIT_MS = 10_000;

let tokens: readonly UserToken[] = [];
const pools = new Map<string, Pool>();

onQuestion('tokens', (argument) => {
  tokens = argument as readonly UserToken[];
});
onQuestion('drive', (argument) => drive(argument as Drive));
announce({});

async function drive(task: Drive): Promise<Driven> {
  const pool = poolFor(task.origin, task.concurrency);
  const callerOf = createCallers({ ...task, users: task.to - task.from });
  const latencies: number[] = [];
  const wrong: string[] = [];
  const startedMs = performance.now();
  let sent = 0;
  const goesOn = (): boolean => sent < task.requests && performance.now() - startedMs < task.durationMs;
  const one = async (): Promise<void> => {
    const number = sent;
    sent += 1;
    const beforeMs = performance.now();
    const fault = await send(pool, tokens[task.from + callerOf(number, beforeMs - startedMs)]!, number, task.host).catch(String);
    latencies.push(performance.now() - beforeMs);
    if (fault !== undefined) wrong.push(fault);
  };
  if (task.perSecond === undefined) await Promise.all(Array.from({ length: task.concurrency }, () => repeat(one, goesOn)));
  else await atRandomTimes(one, goesOn, task.perSecond);
  return {
    requests: latencies.length,
    errors: wrong.length,
    ...(wrong[0] === undefined ? {} : { firstError: wrong[0] }),
    elapsedMs: performance.now() - startedMs,
    p50Ms: quantile(latencies, 0.5),
    p99Ms: quantile(latencies, 0.99),
  };
}

async function repeat(one: () => Promise<void>, goesOn: () => boolean): Promise<void> {
  while (goesOn()) await one();
}

/** Arrivals of users who know nothing of each other: a Poisson process. */
async function atRandomTimes(one: () => Promise<void>, goesOn: () => boolean, perSecond: number): Promise<void> {
  const running: Promise<void>[] = [];
  const startedMs = performance.now();
  let dueMs = 0;
  while (goesOn()) {
    running.push(one());
    dueMs -= (Math.log(1 - Math.random()) / perSecond) * 1000;
    await sleep(Math.max(0, startedMs + dueMs - performance.now()));
  }
  await Promise.all(running);
}

/** @returns what is wrong with the answer, if anything */
async function send(pool: Pool, { subject, token }: UserToken, number: number, host?: string): Promise<string | undefined> {
  const headers = { authorization: `Bearer ${token}`, ...(host === undefined ? {} : { host }) };
  const { statusCode, body } = await pool.request({ method: 'GET', path: `/orders/${number % 100}`, headers });
  const text = await body.text();
  if (statusCode !== 200) return `status ${statusCode}: ${text.slice(0, 200)}`;
  const { seenBy } = JSON.parse(text) as { seenBy: Record<string, string> };
  // Every service must have seen the owner of the token, and nobody else.
  const strangers = SERVICES.filter((service) => seenBy[service] !== subject);
  return strangers.length === 0 ? undefined : `${strangers.join(', ')} saw another caller than the owner of the token`;
}

function poolFor(origin: string, connections: number): Pool {
  const key = `${origin} ${connections}`;
  let pool = pools.get(key);
  if (pool === undefined) {
    pool = new Pool(origin, { connections, headersTimeout: RESPONSE_LIMIT_MS, bodyTimeout: RESPONSE_LIMIT_MS });
    pools.set(key, pool);
  }
  return pool;
}
