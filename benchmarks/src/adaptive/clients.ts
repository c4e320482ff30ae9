/** Clients of an open loop: a request that finds no free connection opens one, so that nobody waits for another's answer. */
import { type Socket, connect } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { ResponseCounter } from '../gateway/response-counter.ts';

/** A fixed rate, however fast the answers are. */
export interface Rate {
  readonly requestsPerSecond: number;
  readonly durationMs: number;
}

/** Sends requests at a fixed rate. @returns the milliseconds until each answer, sorted */
export async function sendAt(
  { requestsPerSecond, durationMs }: Rate,
  clients: Clients,
  next: (index: number) => Buffer,
): Promise<number[]> {
  const startedMs = performance.now();
  const pending: Promise<number>[] = [];
  const total = Math.floor((requestsPerSecond * durationMs) / 1000);
  while (pending.length < total) {
    const due = Math.floor(((performance.now() - startedMs) * requestsPerSecond) / 1000);
    while (pending.length < Math.min(due, total)) pending.push(clients.timed(next(pending.length)));
    await delay(1);
  }
  return (await Promise.all(pending)).sort((left, right) => left - right);
}

/** The bytes of a request with a bearer token. */
export function bearerRequest(token: string): Buffer {
  return Buffer.from(`GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer ${token}\r\n\r\n`);
}

/** The connections to one server. */
export class Clients {
  readonly #port: number;
  readonly #statuses: Map<number, number>;
  readonly #free: Client[] = [];

  /** @param statuses counts answers by status */
  constructor(port: number, statuses: Map<number, number>) {
    this.#port = port;
    this.#statuses = statuses;
  }

  /** Sends one; resolves with its answer. */
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

  /** Closes the connections. */
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
