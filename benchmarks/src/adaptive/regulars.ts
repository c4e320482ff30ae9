/** The clients whose tokens the server knows: a fixed rate, however fast the answers are, and the time until each answer. */
import { type Socket, connect } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { serve } from '../process/worker.ts';
import { ResponseCounter } from '../gateway/response-counter.ts';
import { ReceivedTokens } from '../tokens/token-file.ts';

/** One turn. */
export interface RegularsOrder {
  readonly port: number;
  readonly tokenFile: string;
  readonly requestsPerSecond: number;
  readonly durationMs: number;
}

/** What they saw. */
export interface RegularsReport {
  readonly statuses: Readonly<Record<string, number>>;
  /** Until the answer was there, in milliseconds. */
  readonly p50Ms: number;
  readonly p99Ms: number;
}

serve({ visit });

/** Sends each token in turn. A request that finds no free connection opens one: nobody waits for another's answer. */
async function visit({ port, tokenFile, requestsPerSecond, durationMs }: RegularsOrder): Promise<RegularsReport> {
  const tokens = new ReceivedTokens(tokenFile);
  const requests = Array.from({ length: tokens.count }, (_, index) => requestOf(tokens.text(index)));
  const statuses = new Map<number, number>();
  const clients = new Clients(port, statuses);
  // Connected, and every token known, before time is taken.
  await Promise.all(requests.map((request) => clients.send(request)));
  statuses.clear();
  const startedMs = performance.now();
  const pending: Promise<number>[] = [];
  const total = Math.floor((requestsPerSecond * durationMs) / 1000);
  while (pending.length < total) {
    const due = Math.floor(((performance.now() - startedMs) * requestsPerSecond) / 1000);
    while (pending.length < Math.min(due, total)) pending.push(clients.timed(requests[pending.length % requests.length]!));
    await delay(1);
  }
  const times = await Promise.all(pending);
  clients.end();
  times.sort((left, right) => left - right);
  const at = (share: number): number => times[Math.ceil(share * times.length) - 1]!;
  return { statuses: Object.fromEntries(statuses), p50Ms: at(0.5), p99Ms: at(0.99) };
}

class Clients {
  readonly #port: number;
  readonly #statuses: Map<number, number>;
  readonly #free: Client[] = [];

  constructor(port: number, statuses: Map<number, number>) {
    this.#port = port;
    this.#statuses = statuses;
  }

  async send(request: Buffer): Promise<void> {
    const client = this.#free.pop() ?? new Client(this.#port, this.#statuses);
    await client.send(request);
    this.#free.push(client);
  }

  /** @returns milliseconds until the answer is there */
  async timed(request: Buffer): Promise<number> {
    const startedMs = performance.now();
    await this.send(request);
    return performance.now() - startedMs;
  }

  end(): void {
    for (const client of this.#free) client.end();
  }
}

class Client {
  readonly #socket: Socket;
  #answer = Promise.withResolvers<void>();

  constructor(port: number, statuses: Map<number, number>) {
    const counter = new ResponseCounter(statuses);
    this.#socket = connect({ port, host: '127.0.0.1', noDelay: true });
    this.#socket.setEncoding('latin1');
    this.#socket.on('data', (text: string) => {
      if (counter.push(text)) this.#answer.resolve();
    });
    this.#socket.on('error', (error) => this.#answer.reject(error));
    this.#socket.on('close', () => this.#answer.reject(new Error('The server closed a connection')));
  }

  send(request: Buffer): Promise<void> {
    this.#answer = Promise.withResolvers();
    this.#socket.write(request);
    return this.#answer.promise;
  }

  end(): void {
    this.#socket.removeAllListeners('close').destroy();
  }
}

function requestOf(token: string): Buffer {
  return Buffer.from(`GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer ${token}\r\n\r\n`);
}
