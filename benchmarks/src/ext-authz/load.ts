/** The process that asks, over one HTTP/2 connection, as Envoy has it for each of its threads. */
import { serve } from '../process/worker.ts';
import { ReceivedTokens } from '../tokens/token-file.ts';
import { checkCall } from './check-call.ts';
import { Connection, type Question, questionOf } from './connection.ts';
import { watchPauses } from './pauses.ts';

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

/** Answers that have not come by then, after the last question, are not waited for; what was not answered well counts as so long. */
const PATIENCE_MS = 10_000;

let questions: Question[] = [];
let next = 0;

serve({ load, saturate, openLoop, pauses: watchPauses() });

function load(tokenFile: string): number {
  const tokens = new ReceivedTokens(tokenFile);
  questions = Array.from({ length: tokens.count }, (_, index) => questionOf(checkCall(tokens.text(index))));
  return questions.length;
}

// Each answer asks the next question.
async function saturate({ port, inFlight, seconds }: SaturationOrder): Promise<number> {
  const startMs = performance.now();
  let [answered, running] = [0, inFlight];
  const over = Promise.withResolvers<void>();
  const connection = await Connection.open(port, (_index, isGood) => {
    if (isGood) answered += 1;
    if (performance.now() - startMs < seconds * 1000) connection.ask(nextQuestion());
    else if ((running -= 1) === 0) over.resolve();
  });
  for (let count = 0; count < inFlight; count += 1) connection.ask(nextQuestion());
  const impatience = setTimeout(over.resolve, seconds * 1000 + PATIENCE_MS);
  await over.promise;
  clearTimeout(impatience);
  connection.close();
  return (answered / (performance.now() - startMs)) * 1000;
}

async function openLoop({ port, perSecond, seconds }: OpenLoopOrder): Promise<Latencies> {
  const total = Math.round(perSecond * seconds);
  const everyMs = 1000 / perSecond;
  // Filled in place: what is allocated while it measures is what pauses it.
  const late = new Float64Array(total);
  const took = new Float64Array(total).fill(PATIENCE_MS);
  let [asked, answered, failed] = [0, 0, 0];
  const over = Promise.withResolvers<void>();
  const connection = await Connection.open(port, (index, isGood) => {
    // From when it was due, not from when it got its turn: a late question is a slow answer to whoever waits (coordinated omission).
    if (isGood) took[index] = performance.now() - startMs - index * everyMs;
    else failed += 1;
    if ((answered += 1) === total) over.resolve();
  });
  const startMs = performance.now();
  const turn = (): void => {
    const elapsedMs = performance.now() - startMs;
    for (; asked < total && asked * everyMs <= elapsedMs; asked += 1) {
      late[asked] = elapsedMs - asked * everyMs;
      connection.ask(nextQuestion());
    }
    if (asked < total && !connection.isClosed) setImmediate(turn);
  };
  turn();
  const impatience = setTimeout(over.resolve, seconds * 1000 + PATIENCE_MS);
  await over.promise;
  clearTimeout(impatience);
  connection.close();
  const at = quantilesOf(took);
  return {
    asked: total,
    failed: failed + total - answered,
    p50: at(0.5),
    p99: at(0.99),
    p999: at(0.999),
    lateP99: quantilesOf(late)(0.99),
  };
}

function nextQuestion(): Question {
  return questions[(next = (next + 1) % questions.length)]!;
}

function quantilesOf(times: Float64Array): (share: number) => number {
  const sorted = times.toSorted();
  return (share) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Infinity;
}
