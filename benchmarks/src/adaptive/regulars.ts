/** The clients whose tokens the server knows: a fixed rate, however fast the answers are, and the time until each answer. */
import { serve } from '../process/worker.ts';
import { ReceivedTokens } from '../tokens/token-file.ts';
import { Clients, bearerRequest, sendAt } from './clients.ts';

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

/** Connected, with tokens that the server knows. */
interface Joined {
  readonly clients: Clients;
  readonly requests: readonly Buffer[];
  readonly statuses: Map<number, number>;
}

let joined: Joined | undefined;

serve({
  /** Connects, and makes every token known: before anybody takes time. {@link visit} does so itself where nobody asked for it. */
  async join(order: Pick<RegularsOrder, 'port' | 'tokenFile'>): Promise<void> {
    joined = await join(order);
  },
  visit,
});

async function join({ port, tokenFile }: Pick<RegularsOrder, 'port' | 'tokenFile'>): Promise<Joined> {
  const tokens = new ReceivedTokens(tokenFile);
  const requests = Array.from({ length: tokens.count }, (_, index) => bearerRequest(tokens.text(index)));
  const statuses = new Map<number, number>();
  const clients = new Clients(port, statuses);
  await Promise.all(requests.map((request) => clients.send(request)));
  statuses.clear();
  return { clients, requests, statuses };
}

/** Sends each token in turn. */
async function visit({ requestsPerSecond, durationMs, ...server }: RegularsOrder): Promise<RegularsReport> {
  const { clients, requests, statuses } = joined ?? (await join(server));
  joined = undefined;
  const times = await sendAt({ requestsPerSecond, durationMs }, clients, (index) => requests[index % requests.length]!);
  clients.end();
  const at = (share: number): number => times[Math.ceil(share * times.length) - 1]!;
  return { statuses: Object.fromEntries(statuses), p50Ms: at(0.5), p99Ms: at(0.99) };
}
