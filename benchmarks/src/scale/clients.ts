/** The clients: every answer is compared with what it has to be, one request at a time on each connection. */
import { Agent, request } from 'node:http';
import { serve } from '../process/worker.ts';
import { ReceivedTokens } from '../tokens/token-file.ts';

/** One turn of load. Ends after so many requests or so many seconds. */
export interface ScaleOrder {
  readonly port: number;
  /** Good tokens: `user-0`, `user-1`, ... */
  readonly tokenFile: string;
  /** Tokens that must be refused: forged, expired, revoked. Sent every so often. */
  readonly badTokens: readonly string[];
  readonly connections: number;
  readonly requests?: number;
  readonly seconds?: number;
  readonly seed: number;
}

/** What the clients saw. */
export interface ScaleReport {
  readonly requests: number;
  /** Good tokens that were answered in the name of their user. */
  readonly right: number;
  /** Bad tokens that were refused with 401. */
  readonly refused: number;
  /** The service saw a bad token's user, or somebody else than the caller; a good token was answered 401 or 403. */
  readonly wrong: number;
  /** Neither yes nor no: a connection that broke, or 5xx. */
  readonly failed: number;
  /** Of those, still failed when they were sent once more. */
  readonly failedTwice: number;
}

/** Every so many requests have a token that must be refused. */
const BAD_EVERY = 20;

serve({ run });

async function run(order: ScaleOrder): Promise<ScaleReport> {
  const { connections, requests = Infinity, seconds = Infinity, seed } = order;
  const tokens = new ReceivedTokens(order.tokenFile);
  const agent = new Agent({ keepAlive: true, maxSockets: connections });
  const report = { requests: 0, right: 0, refused: 0, wrong: 0, failed: 0, failedTwice: 0 };
  const deadline = performance.now() + seconds * 1000;
  const random = createRandom(seed);
  const client = async (): Promise<void> => {
    while (report.requests < requests && performance.now() < deadline) {
      const number = (report.requests += 1);
      const isBad = number % BAD_EVERY === 0 && order.badTokens.length > 0;
      const index = Math.floor(random() * (isBad ? order.badTokens.length : tokens.count));
      const token = isBad ? order.badTokens[index]! : tokens.text(index);
      const expected = isBad ? undefined : `user-${index}`;
      let outcome = await ask(agent, order.port, token, expected);
      if (outcome === 'failed') {
        report.failed += 1;
        outcome = await ask(agent, order.port, token, expected);
        if (outcome === 'failed') report.failedTwice += 1;
      }
      if (outcome !== 'failed') report[outcome] += 1;
    }
  };
  await Promise.all(Array.from({ length: connections }, client));
  agent.destroy();
  return report;
}

function ask(
  agent: Agent,
  port: number,
  token: string,
  expected: string | undefined,
): Promise<'right' | 'refused' | 'wrong' | 'failed'> {
  return new Promise((resolve) => {
    const headers = { authorization: `Bearer ${token}` };
    const sent = request({ host: '127.0.0.1', port, path: '/orders/who-am-i', agent, headers, timeout: 5000 }, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => (text += chunk));
      response.on('error', () => resolve('failed'));
      response.on('end', () => resolve(judge(response.statusCode!, text, expected)));
    });
    sent.on('timeout', () => sent.destroy());
    sent.on('error', () => resolve('failed'));
    sent.end();
  });
}

function judge(status: number, text: string, expected: string | undefined): 'right' | 'refused' | 'wrong' | 'failed' {
  if (status >= 500) return 'failed';
  if (expected === undefined) return status === 401 ? 'refused' : 'wrong';
  if (status !== 200) return 'wrong';
  const { txnToken, authorization } = JSON.parse(text) as { txnToken?: string; authorization?: string };
  const payload = Buffer.from(txnToken?.split('.')[1] ?? '', 'base64url').toString();
  const isTheirs = authorization === undefined && payload !== '' && (JSON.parse(payload) as { sub?: string }).sub === expected;
  return isTheirs ? 'right' : 'wrong';
}

// mulberry32: the same tokens in the same order for everybody who is compared.
function createRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
