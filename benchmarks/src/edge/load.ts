/** One turn of load: wrk, with every user's token in turn. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { fromSource } from '../process/child.ts';
import type { Core } from '../process/cores.ts';

/** What to send where. */
export interface LoadOrder {
  readonly port: number;
  /** Path of every request. */
  readonly path: string;
  readonly tokenFile: string;
  readonly connections: number;
  readonly seconds: number;
  readonly core: Core | undefined;
}

/** What the clients saw. */
export interface LoadReport {
  readonly requests: number;
  readonly durationUs: number;
  /** Answers with a status of 400 or more. */
  readonly refused: number;
  /** Connections that failed, and answers that did not come. */
  readonly broken: number;
  readonly p50Us: number;
  readonly p99Us: number;
}

/** Sends, and reports. @throws Error when wrk fails, or anything but a good answer came */
export async function runLoad({ port, path, tokenFile, connections, seconds, core }: LoadOrder): Promise<LoadReport> {
  const script = fromSource('../config/edge/load.lua');
  const wrk = [
    'wrk',
    '-t1',
    `-c${connections}`,
    `-d${seconds}s`,
    '-s',
    script,
    `http://127.0.0.1:${port}`,
    '--',
    path,
    tokenFile,
  ];
  const [command, ...args] = core === undefined ? wrk : ['taskset', '-c', String(core), ...wrk];
  const { stdout } = await promisify(execFile)(command!, args);
  const result = /^RESULT (.*)$/m.exec(stdout)?.[1];
  if (result === undefined) throw new Error(`wrk did not say what it saw:\n${stdout}`);
  const report = JSON.parse(result) as LoadReport;
  if (report.requests === 0 || report.refused + report.broken > 0) throw new Error(`Not all answers were good: ${result}`);
  return report;
}
