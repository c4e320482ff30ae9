/** The process that asks, over one HTTP/2 connection, as Envoy has it for each of its threads. */
import { type ClientHttp2Session, connect } from 'node:http2';
import { serve } from '../process/worker.ts';
import { ReceivedTokens } from '../tokens/token-file.ts';
import { checkCall, isSwapped } from './check-call.ts';

/** As many questions at a time as given, as fast as they are answered. */
export interface SaturationOrder {
  readonly port: number;
  readonly inFlight: number;
  readonly seconds: number;
}

/** So many questions a second, whether they are answered or not. */
export interface OpenLoopOrder {
  readonly port: number;
  readonly perSecond: number;
  readonly seconds: number;
}

/** Times from when a question was due to its answer, in milliseconds. */
export interface Latencies {
  readonly asked: number;
  readonly failed: number;
  readonly p50: number;
  readonly p99: number;
  readonly p999: number;
  /** How late the questions themselves were, one in a hundred later: it counts as a slow answer, and is this process's own. */
  readonly lateP99: number;
}

/** Answers that have not come by then, after the last question, are not waited for. */
const PATIENCE_MS = 10_000;

let calls: Buffer[] = [];
let next = 0;

serve({ load, warmUp, saturate, openLoop });

function load(tokenFile: string): number {
  const tokens = new ReceivedTokens(tokenFile);
  calls = Array.from({ length: tokens.count }, (_, index) => checkCall(tokens.text(index)));
  return calls.length;
}

// While nobody is known yet, more than can be checked at a time are refused: that is not what is measured.
async function warmUp({ port, inFlight, seconds }: SaturationOrder): Promise<void> {
  const session = new Connection(port);
  const endMs = performance.now() + seconds * 1000;
  const worker = async (): Promise<void> => {
    while (performance.now() < endMs) await ask(session.current);
  };
  await Promise.all(Array.from({ length: inFlight }, worker));
  session.current.close();
}

async function saturate({ port, inFlight, seconds }: SaturationOrder): Promise<number> {
  const session = new Connection(port);
  let answered = 0;
  const startMs = performance.now();
  const endMs = startMs + seconds * 1000;
  const worker = async (): Promise<void> => {
    while (performance.now() < endMs) {
      if (await ask(session.current)) answered += 1;
    }
  };
  await Promise.all(Array.from({ length: inFlight }, worker));
  session.current.close();
  return (answered / (performance.now() - startMs)) * 1000;
}

async function openLoop({ port, perSecond, seconds }: OpenLoopOrder): Promise<Latencies> {
  const session = new Connection(port);
  const total = Math.round(perSecond * seconds);
  const latencies: number[] = [];
  const lateness: number[] = [];
  let failed = 0;
  const pending: Promise<void>[] = [];
  const startMs = performance.now();
  for (let asked = 0; asked < total; asked += 1) {
    // From when it was due, not from when it got its turn: a late question is a slow answer to whoever waits (coordinated omission).
    const dueMs = startMs + (asked * 1000) / perSecond;
    while (performance.now() < dueMs) await new Promise((resolve) => setImmediate(resolve));
    lateness.push(performance.now() - dueMs);
    pending.push(
      (async () => {
        if (await ask(session.current)) latencies.push(performance.now() - dueMs);
        else failed += 1;
      })(),
    );
  }
  const impatience = setTimeout(() => session.current.destroy(), PATIENCE_MS);
  await Promise.all(pending);
  clearTimeout(impatience);
  session.current.close();
  const at = quantilesOf(latencies);
  return { asked: total, failed, p50: at(0.5), p99: at(0.99), p999: at(0.999), lateP99: quantilesOf(lateness)(0.99) };
}

function quantilesOf(times: readonly number[]): (share: number) => number {
  const sorted = times.toSorted((left, right) => left - right);
  return (share) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Infinity;
}

/** A connection, and another one when it was closed: what was asked on it then has failed. */
class Connection {
  readonly #port: number;
  #session: ClientHttp2Session | undefined;

  constructor(port: number) {
    this.#port = port;
  }

  get current(): ClientHttp2Session {
    if (this.#session === undefined || this.#session.closed || this.#session.destroyed) {
      this.#session = connect(`http://127.0.0.1:${this.#port}`);
      this.#session.on('error', () => {});
    }
    return this.#session;
  }
}

const HEADERS = {
  ':method': 'POST',
  ':path': '/envoy.service.auth.v3.Authorization/Check',
  'content-type': 'application/grpc',
  te: 'trailers',
};

function ask(session: ClientHttp2Session): Promise<boolean> {
  const call = calls[(next = (next + 1) % calls.length)]!;
  return new Promise((resolve) => {
    const stream = session.request(HEADERS);
    const chunks: Buffer[] = [];
    stream.on('data', (chunk: Buffer) => chunks.push(chunk));
    stream.on('error', () => resolve(false));
    stream.on('close', () => resolve(isSwapped(Buffer.concat(chunks))));
    stream.end(call);
  });
}
