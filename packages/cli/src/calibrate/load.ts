/** Sends requests to the gateway of the calibration. */
import { once, setMaxListeners } from 'node:events';
import { Agent, type IncomingMessage, get } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';

/** What to send. Ends at whichever limit comes first, but under load not before there were enough requests to say something. */
export interface Load {
  readonly port: number;
  readonly tokens: readonly string[];
  /** How unequal their owners are: the k-th makes requests in proportion to `k ** -zipf`. Default: all alike, in turn. */
  readonly zipf?: number;
  /** Share of requests that get a Txn-Token of their own, at random as in life: in step, none would come soon after another. Default: none. */
  readonly freshShare?: number;
  /** How many requests are on their way at a time, or how many set out in a second, at random times. */
  readonly pace: { readonly inFlight: number } | { readonly perSecond: number };
  readonly durationMs: number;
  readonly mostRequests?: number;
}

/** What every request needs. */
interface Line {
  readonly agent: Agent;
  /** Whose token a request brings, by the number of the request. */
  readonly tokenOf: (number: number) => string;
  /** Whether it gets a Txn-Token of its own. */
  readonly isFresh: (number: number) => boolean;
  /** Ends what hangs. */
  readonly signal: AbortSignal;
}

/** Answers may come so much later than the load was to end: on a machine that is very busy they do. */
const PATIENCE_MS = 60_000;

/** Sends. @returns how many requests there were @throws Error at the first answer that is not 200, or does not come */
export async function sendLoad(load: Load): Promise<number> {
  const agent = new Agent({ keepAlive: true, maxSockets: 64 });
  const signal = AbortSignal.timeout(load.durationMs + PATIENCE_MS);
  setMaxListeners(0, signal);
  const line = { agent, signal, tokenOf: tokensOf(load), isFresh: createFreshness(load.freshShare ?? 0) };
  try {
    return 'inFlight' in load.pace
      ? await closedLoop(load, load.pace.inFlight, line)
      : await atRandom(load, load.pace.perSecond, line);
  } finally {
    agent.destroy();
  }
}

function tokensOf({ tokens, zipf }: Load): Line['tokenOf'] {
  if (zipf === undefined) return (number) => tokens[number % tokens.length]!;
  let sum = 0;
  const upTo = tokens.map((_token, index) => (sum += (index + 1) ** -zipf));
  return () => {
    const drawn = Math.random() * sum;
    return tokens[upTo.findIndex((limit) => drawn < limit)]!;
  };
}

/** Enough for each kind of step on a machine that is very busy with something else. */
const LEAST_REQUESTS = 100;

/** There is a fresh one in the shortest load. */
const FIRST_WITHIN = 20;

// The numbers between two fresh ones are geometric.
function createFreshness(share: number): Line['isFresh'] {
  const gap = (): number => 1 + Math.floor(Math.log(1 - Math.random()) / Math.log1p(-share));
  let next = share === 0 ? Number.POSITIVE_INFINITY : Math.min(gap(), FIRST_WITHIN);
  return (number) => {
    if (number < next) return false;
    next = number + gap();
    return true;
  };
}

async function closedLoop(load: Load, inFlight: number, line: Line): Promise<number> {
  const endMs = performance.now() + load.durationMs;
  const most = load.mostRequests ?? Number.POSITIVE_INFINITY;
  let sent = 0;
  const client = async (): Promise<void> => {
    while ((performance.now() < endMs || sent < LEAST_REQUESTS) && sent < most) {
      sent += 1;
      await send(load, sent, line);
    }
  };
  await Promise.all(Array.from({ length: inFlight }, client));
  return sent;
}

async function atRandom(load: Load, perSecond: number, line: Line): Promise<number> {
  const started = performance.now();
  const running: Promise<void>[] = [];
  let dueMs = 0;
  while ((dueMs -= (Math.log(1 - Math.random()) / perSecond) * 1000) < load.durationMs) {
    await sleep(Math.max(0, started + dueMs - performance.now()));
    const request = send(load, running.length + 1, line);
    request.catch(() => {});
    running.push(request);
  }
  await Promise.all(running);
  return running.length;
}

/** Host of requests that get a Txn-Token of their own. */
export const FRESH_HOST = 'fresh.shop.example';

async function send({ port }: Load, number: number, { agent, signal, tokenOf, isFresh }: Line): Promise<void> {
  const headers = { authorization: `Bearer ${tokenOf(number)}`, ...(isFresh(number) && { host: FRESH_HOST }) };
  const request = get({ host: '127.0.0.1', port, path: `/orders/${number % 100}`, agent, signal, headers });
  const [res] = (await once(request, 'response')) as [IncomingMessage];
  await once(res.resume(), 'end');
  if (res.statusCode !== 200) throw new Error(`The gateway of the calibration answered ${res.statusCode}`);
}
