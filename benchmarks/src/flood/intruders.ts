/**
 * The flood, of requests that are refused for one reason or another. A program in C that gives way to everybody: what the regulars,
 * whose times are taken on the same core, wait for is to be the gateway, not the flood's own work.
 */
import { execFile } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { promisify } from 'node:util';
import { fromSource } from '../process/child.ts';
import type { Core } from '../process/cores.ts';

/** Why they are refused: a key id that nobody has, another one each time; a signature that is none, another one each time; no token. */
export type Kind = 'unknown key id' | 'bad signature' | 'no token';

/** One flood. */
export interface FloodOrder {
  readonly port: number;
  readonly kind: Kind;
  /** A good token, whose claims and signature, or header and claims, the others borrow. */
  readonly token: string;
  readonly algorithm: string;
  readonly requestsPerSecond: number;
  readonly seconds: number;
  readonly core: Core | undefined;
}

/** What came of it. */
export interface FloodReport {
  readonly answers: number;
  /** Those with a status of 400 or more. */
  readonly refused: number;
  readonly perSecond: number;
}

const CONNECTIONS = 64;

/** Sends at a fixed rate, however fast the answers are. @throws Error where an answer did not come, or wrk fails */
export async function flood({ port, kind, token, algorithm, core, ...rate }: FloodOrder): Promise<FloodReport> {
  const order = [kind, String(rate.requestsPerSecond), algorithm, ...token.split('.'), String(randomInt(2 ** 31))];
  // As far back as can be without another scheduling policy.
  const command = ['-n', '19', ...(core === undefined ? [] : ['taskset', '-c', String(core)]), 'wrk'];
  const load = [
    '-t1',
    `-c${CONNECTIONS}`,
    `-d${rate.seconds}s`,
    '--timeout',
    '120s',
    '-s',
    fromSource('../config/flood/flood.lua'),
  ];
  const { stdout } = await promisify(execFile)('nice', [...command, ...load, `http://127.0.0.1:${port}`, '--', ...order]);
  const result = /^RESULT (.*)$/m.exec(stdout)?.[1];
  if (result === undefined) throw new Error(`wrk did not say what it saw:\n${stdout}`);
  const { answers, durationUs, refused, broken } = JSON.parse(result) as Record<string, number>;
  if (broken! > 0) throw new Error(`Of the flood ${broken} did not get an answer`);
  return { answers: answers!, refused: refused!, perSecond: (answers! / durationUs!) * 1e6 };
}
