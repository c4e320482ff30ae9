/**
 * Stands between two others and does now and then what must never happen, so that a run shows whether it would be noticed. A fault of
 * the run, never one of the product.
 */
import { randomBytes } from 'node:crypto';
import { type IncomingMessage, type ServerResponse, createServer } from 'node:http';
import process from 'node:process';
import { request } from 'undici';
import { serve } from '../process/worker.ts';

/** Before the doors, or before the service. */
export type MeddlerSide = 'doors' | 'service';

/** What it is started with. */
export interface MeddlerOptions {
  readonly port: number;
  readonly target: number;
  readonly side: MeddlerSide;
}

/** A request on its way. */
interface Passage {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

const { port, target, side } = JSON.parse(process.argv[2]!) as MeddlerOptions;
/** One request of so many is meddled with. Before doors that are down there are many. */
const EVERY = side === 'doors' ? 30 : 5;
/** What is between one hop and the next only. */
const HOP_FIELDS = new Set(['connection', 'keep-alive', 'transfer-encoding', 'content-length']);

let seen = 0;
let faults = 0;
let lastToken = '';

const BEFORE_SERVICE: readonly ((passage: Passage) => Promise<Answer>)[] = [
  // Done twice, the second time under another delivery id.
  async (passage) => {
    await pass(passage);
    return pass({ ...passage, headers: { ...passage.headers, 'x-watchword-delivery': randomBytes(24).toString('base64url') } });
  },
  // Told to be done, and never done.
  async () => ({ status: 200, headers: {}, body: Buffer.from('noted') }),
  // In the name of whoever came before.
  (passage) => pass({ ...passage, headers: { ...passage.headers, 'txn-token': lastToken } }),
];

const BEFORE_DOORS: readonly ((passage: Passage) => Promise<Answer>)[] = [
  // Acknowledged, and never stored.
  async () => {
    const id = `00000000${randomBytes(18).toString('base64url')}`;
    const body = Buffer.from(JSON.stringify({ id, status: `/.watchword/requests/${id}` }));
    return { status: 202, headers: { 'content-type': 'application/json' }, body };
  },
];

const server = createServer((incoming, response) => void handle(incoming, response));
await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
serve({});

async function handle(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
  try {
    const parts: Buffer[] = [];
    for await (const part of incoming) parts.push(part as Buffer);
    const headers = Object.fromEntries(Object.entries(incoming.headers).filter(([name]) => !HOP_FIELDS.has(name))) as Record<
      string,
      string
    >;
    const answer = await meddle({ method: incoming.method!, path: incoming.url!, headers, body: Buffer.concat(parts) });
    lastToken = headers['txn-token'] ?? '';
    response.writeHead(answer.status, answer.headers).end(answer.body);
  } catch {
    // Whoever is behind was killed.
    response.destroy();
  }
}

function meddle(passage: Passage): Promise<Answer> {
  const isCounted = passage.method === 'POST' && (seen += 1) % EVERY === 0;
  if (!isCounted) return pass(passage);
  const own = side === 'doors' ? BEFORE_DOORS : BEFORE_SERVICE;
  return own[(faults += 1) % own.length]!(passage);
}

async function pass({ method, path, headers, body }: Passage): Promise<Answer> {
  const options = { method: method as 'POST', headers, ...(body.length === 0 ? {} : { body }) };
  const answer = await request(`http://127.0.0.1:${target}${path}`, options);
  const fields = Object.entries(answer.headers).filter(([name]) => !HOP_FIELDS.has(name));
  return {
    status: answer.statusCode,
    headers: Object.fromEntries(fields.map(([name, value]) => [name, String(value)])),
    body: Buffer.from(await answer.body.arrayBuffer()),
  };
}
