/** The clients: connections that stay open, one request after the other on each, the bytes of all requests made beforehand. */
import { type Socket, connect } from 'node:net';
import process from 'node:process';
import { serve } from '../process/worker.ts';
import { ReceivedTokens } from '../tokens/token-file.ts';
import { ResponseCounter } from './response-counter.ts';

/** One round of load. */
export interface LoadOrder {
  readonly port: number;
  /** Path of every request. */
  readonly path: string;
  readonly tokenFile: string;
  readonly connections: number;
  readonly durationMs: number;
}

/** What the clients saw. */
export interface LoadReport {
  readonly requests: number;
  /** Answers by status. */
  readonly statuses: Readonly<Record<string, number>>;
  readonly elapsedMs: number;
}

const RECEIVE_BYTES = 16_384;

serve({ run, cpu: () => process.cpuUsage() });

async function run({ port, path, tokenFile, connections, durationMs }: LoadOrder): Promise<LoadReport> {
  const requests = createRequests(new ReceivedTokens(tokenFile), path, port);
  const statuses = new Map<number, number>();
  const start = performance.now();
  const deadline = start + durationMs;
  const clients = Array.from({ length: connections }, (_, number) =>
    // Spread over the tokens, so that neighbours in time are different users.
    runClient(port, requests, Math.floor((number * requests.length) / connections), deadline, statuses),
  );
  await Promise.all(clients);
  const total = [...statuses.values()].reduce((sum, count) => sum + count, 0);
  return { requests: total, statuses: Object.fromEntries(statuses), elapsedMs: performance.now() - start };
}

function createRequests(tokens: ReceivedTokens, path: string, port: number): Buffer[] {
  return Array.from({ length: tokens.count }, (_, index) =>
    Buffer.from(
      [
        `GET ${path} HTTP/1.1`,
        `Host: 127.0.0.1:${port}`,
        'User-Agent: shop-web/1.0',
        'Accept: application/json',
        'Accept-Encoding: gzip, deflate, br',
        'Traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',
        `Authorization: Bearer ${tokens.text(index)}`,
        '',
        '',
      ].join('\r\n'),
    ),
  );
}

function runClient(
  port: number,
  requests: readonly Buffer[],
  first: number,
  deadline: number,
  statuses: Map<number, number>,
): Promise<void> {
  const counter = new ResponseCounter(statuses);
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  let next = first;
  const send = (): void => {
    socket.write(requests[next]!);
    next = (next + 1) % requests.length;
  };
  const receive = (size: number, buffer: Uint8Array): boolean => {
    try {
      if (counter.push((buffer as Buffer).toString('latin1', 0, size))) {
        if (performance.now() < deadline) send();
        else socket.end(resolve);
      }
    } catch (error) {
      reject(error);
    }
    return true;
  };
  const socket: Socket = connect(
    { port, host: '127.0.0.1', noDelay: true, onread: { buffer: Buffer.alloc(RECEIVE_BYTES), callback: receive } },
    send,
  );
  socket.on('error', reject);
  socket.on('close', () => reject(new Error('The proxy closed a connection')));
  return promise;
}
