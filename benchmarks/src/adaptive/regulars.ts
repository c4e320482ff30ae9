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

serve({ visit });

/** Sends each token in turn. */
async function visit({ port, tokenFile, requestsPerSecond, durationMs }: RegularsOrder): Promise<RegularsReport> {
  const tokens = new ReceivedTokens(tokenFile);
  const requests = Array.from({ length: tokens.count }, (_, index) => bearerRequest(tokens.text(index)));
  const statuses = new Map<number, number>();
  const clients = new Clients(port, statuses);
  // Connected, and every token known, before time is taken.
  await Promise.all(requests.map((request) => clients.send(request)));
  statuses.clear();
  const times = await sendAt({ requestsPerSecond, durationMs }, clients, (index) => requests[index % requests.length]!);
  clients.end();
  const at = (share: number): number => times[Math.ceil(share * times.length) - 1]!;
  return { statuses: Object.fromEntries(statuses), p50Ms: at(0.5), p99Ms: at(0.99) };
}
