/** One cell of the table: octets towards the server for each request of so many callers on one warm connection. */
import type { Contender, Fields } from './contenders.ts';
import { createWire } from './wire.ts';

/** What is measured. */
export interface Cell {
  readonly contender: Contender;
  /** The token of each caller; none: the same requests without any. */
  readonly tokens: readonly string[];
  readonly callers: number;
  /** Requests after warming up, at least. */
  readonly requests: number;
  /** More fields of each request. */
  readonly more?: () => Fields;
}

/** What it took. */
export interface Octets {
  readonly perRequest: number;
  /** Processor time of client, server and relay together. */
  readonly cpuMicros: number;
}

/** Requests at a time: as many as a server takes that allows 100 streams. */
const AT_A_TIME = 50;

/** Measures. @throws Error when requests went over more than one connection, which would flatter everybody */
export async function measureCell({ contender, tokens, callers, requests, more }: Cell): Promise<Octets> {
  const traffic = { callers, tokenBytes: Math.max(1, ...tokens.map((token) => token.length)) };
  const server = await contender.serve(traffic);
  const wire = await createWire(server.port);
  const caller = contender.dial(wire.port, traffic);
  const round = async (): Promise<void> => {
    for (let first = 0; first < callers; first += AT_A_TIME) {
      const batch = Array.from({ length: Math.min(AT_A_TIME, callers - first) }, (_, index) => tokens[first + index]);
      await Promise.all(batch.map((token) => caller.call({ ...fieldsOf(contender, token), ...more?.() })));
    }
  };
  try {
    // The first request alone, so that all others find the connection open and its settings known.
    await caller.call(fieldsOf(contender, tokens[0]));
    for (let warm = 0; warm < 2; warm += 1) await round();
    wire.reset();
    const cpu = process.cpuUsage();
    const rounds = Math.ceil(requests / callers);
    for (let done = 0; done < rounds; done += 1) await round();
    const { user, system } = process.cpuUsage(cpu);
    if (wire.connections() !== 1) throw new Error(`${contender.name}: ${wire.connections()} connections instead of one`);
    return { perRequest: wire.sent() / (rounds * callers), cpuMicros: (user + system) / (rounds * callers) };
  } finally {
    await caller.close();
    await wire.close();
    await server.close();
  }
}

function fieldsOf({ carries }: Contender, token: string | undefined): Fields {
  if (token === undefined) return {};
  return carries === 'bearer' ? { authorization: `Bearer ${token}` } : { 'txn-token': token };
}
