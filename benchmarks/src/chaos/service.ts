/**
 * The service behind the gateway: remembers delivery ids, does each once, and writes down all that arrives. It is the witness, so it is
 * not killed, and it checks Txn-Tokens with code of its own.
 */
import { type JsonWebKey, createPublicKey } from 'node:crypto';
import { type IncomingMessage, type ServerResponse, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import process from 'node:process';
import { serve } from '../process/worker.ts';
import type { Behaviour } from './kinds.ts';
import { Journal, type ServiceLine } from './records.ts';
import { Subjects } from './subjects.ts';

/** What an order asks of the service: the body of the request. */
export interface OrderBody {
  readonly order: string;
  readonly behaviour: Behaviour;
  /** For `late`: how long after the first delivery it must not come any more. */
  readonly lateMs: number;
}

/** What the service is started with. */
export interface ServiceOptions {
  readonly journal: string;
  /** Public key of the Txn-Tokens. */
  readonly jwk: JsonWebKey;
}

const options = JSON.parse(process.argv[2]!) as ServiceOptions;
const key = createPublicKey({ key: options.jwk, format: 'jwk' });
const journal = new Journal<ServiceLine>(options.journal);
const subjects = new Subjects(key);
const served = new Map<string, number>();
const deliveries = new Map<string, { count: number; readonly firstAt: number }>();
let effects = 0;

const server = createServer((request, response) => void take(request, response));
server.keepAliveTimeout = 60_000;

serve({ listen, leave, effects: () => effects, finish: () => journal.close() });

async function listen(port: number): Promise<number> {
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}

/** Nobody is there any more, until `listen`. */
async function leave(): Promise<void> {
  const closed = new Promise((resolve) => server.close(resolve));
  server.closeAllConnections();
  await closed;
}

async function take(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const parts: Buffer[] = [];
  try {
    for await (const part of request) parts.push(part as Buffer);
  } catch {
    // The worker was killed in the middle of it: nothing has arrived.
    return;
  }
  const body = JSON.parse(Buffer.concat(parts).toString()) as OrderBody;
  const { headers } = request;
  const id = String(headers['x-watchword-delivery']);
  const isNew = !served.has(id);
  const status = decide(id, body);
  const isEffect = isNew && (status === 200 || status === 0);
  if (isEffect) {
    served.set(id, 200);
    effects += 1;
  }
  const subject = subjects.of(headers['txn-token'], Date.now());
  const isLeaking = headers.authorization === undefined ? undefined : true;
  journal.add({ at: Date.now(), order: body.order, id, subject, status, isEffect, isLeaking });
  if (status === 0) return void request.socket.destroy();
  if (body.behaviour === 'slow') await new Promise((resolve) => setTimeout(resolve, 50));
  response.writeHead(status, { 'content-type': 'text/plain' }).end('noted');
}

/** The status; 0: done, and nobody is told. */
function decide(id: string, { behaviour, lateMs }: OrderBody): number {
  const done = served.get(id);
  if (done !== undefined) return done;
  const delivery = deliveries.get(id) ?? { count: 0, firstAt: Date.now() };
  delivery.count += 1;
  if (behaviour === 'decline') return 409;
  if (behaviour === 'cut') return 0;
  if (behaviour === 'do it' || behaviour === 'slow') return 200;
  deliveries.set(id, delivery);
  if (behaviour === 'away' || behaviour === 'long away') return delivery.count <= (behaviour === 'away' ? 1 : 2) ? 503 : 200;
  return behaviour === 'late' && Date.now() > delivery.firstAt + lateMs ? 200 : 503;
}
