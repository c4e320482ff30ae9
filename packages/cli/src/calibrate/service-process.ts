/** A service behind the gateway: verifies the Txn-Token, asks the services behind it, answers in JSON, and counts what that costs. */
import { once } from 'node:events';
import { Agent, type IncomingMessage, type ServerResponse, createServer, get } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';
import {
  type Pipeline,
  type Propagator,
  createLocalKeys,
  createPropagator,
  createTxnPipeline,
  fromRawHeaders,
  runWithIdentity,
  toRecord,
} from '@watchword/core';
import { answer } from './child.ts';
import { CpuMeter, type CpuReading } from './cpu-meter.ts';
import { ownWork } from './own-work.ts';
import { type Probe, createProbes } from './probes.ts';

/** What a service is told when it starts. */
export interface ServiceSettings {
  readonly trustDomain: string;
  /** Public key of the gateway. */
  readonly jwk: unknown;
  /** Origins of the services that it asks, all at the same time. */
  readonly next: readonly string[];
  /** How many tokens its further caches hold; undefined: it takes no further steps. */
  readonly cacheSizes?: readonly number[];
}

/** What a service counted since the last reset. */
export interface ServiceReading {
  /** The way of each request with a known Txn-Token. */
  readonly admit: CpuReading;
  /** The same with one that nobody has seen. */
  readonly firstUse: CpuReading;
  /** What the service does for itself. */
  readonly own: CpuReading;
  /** The further steps by name. */
  readonly probes: Readonly<Record<string, CpuReading>>;
}

const admission = new CpuMeter();
const firstUse = new CpuMeter();
const own = new CpuMeter();
const agent = new Agent({ keepAlive: true });
let probes: readonly { readonly step: Probe; readonly meter: CpuMeter }[] = [];
let isProbing = false;
let turn = 0;

answer({
  async start({ trustDomain, jwk, next, cacheSizes }: ServiceSettings) {
    const keys = createLocalKeys({ issuer: trustDomain, algorithms: ['ES256'], jwks: { keys: [jwk] } });
    const pipeline = createTxnPipeline({ trustDomain, keys });
    const propagator = createPropagator({ destinations: next });
    const made = cacheSizes === undefined ? [] : await createProbes(cacheSizes);
    probes = made.map((step) => ({ step, meter: new CpuMeter() }));
    const server = createServer((req, res) => {
      serve(req, res, { pipeline, propagator, next }).catch(() => res.writeHead(500).end());
    });
    // Loads may be minutes apart; a connection that ends just as the next request sets out would be an error.
    server.keepAliveTimeout = 0;
    await once(server.listen(0, '127.0.0.1'), 'listening');
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  },
  reset(withProbes: boolean) {
    isProbing = withProbes;
    for (const meter of [admission, firstUse, own, ...probes.map((probe) => probe.meter)]) meter.reset();
  },
  read: (): ServiceReading => ({
    admit: admission.read(),
    firstUse: firstUse.read(),
    own: own.read(),
    probes: Object.fromEntries(probes.map(({ step, meter }) => [step.name, meter.read()])),
  }),
});

/** As a service has one. */
const REQUIREMENT = { scopes: ['orders.read'] };

interface Parts {
  readonly pipeline: Pipeline;
  readonly propagator: Propagator;
  readonly next: readonly string[];
}

async function serve(req: IncomingMessage, res: ServerResponse, { pipeline, propagator, next }: Parts): Promise<void> {
  const headers = fromRawHeaders(req.rawHeaders);
  const identity = await admission.measure(() => pipeline.admit(headers, REQUIREMENT), firstUse);
  const answers = await runWithIdentity(identity, () => Promise.all(next.map((origin) => ask(origin, req.url!, propagator))));
  own.measure(ownWork);
  if (isProbing && probes.length > 0) await probe();
  res.setHeader('content-type', 'application/json');
  res.end(JSON.stringify({ subject: identity.subject, path: req.url, answers }));
}

async function probe(): Promise<void> {
  const { step, meter } = probes[(turn += 1) % probes.length]!;
  const run = step.prepare();
  await meter.measure(run);
}

async function ask(origin: string, path: string, propagator: Propagator): Promise<unknown> {
  const url = new URL(path, origin);
  const headers: Record<string, string> = { accept: 'application/json' };
  propagator.inject(url, toRecord(headers));
  const [res] = (await once(get(url, { agent, headers }), 'response')) as [IncomingMessage];
  if (res.statusCode !== 200) throw new Error(`A service answered ${res.statusCode}`);
  return json(res);
}
