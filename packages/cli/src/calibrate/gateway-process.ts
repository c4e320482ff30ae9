/** A gateway that counts what its decisions cost, in a process of its own. */
import { subscribe } from 'node:diagnostics_channel';
import type { IncomingMessage } from 'node:http';
import { DECISION_END_CHANNEL, DECISION_START_CHANNEL, type Gateway, createConfig, startGateway } from '@watchword/gateway';
import { keepYoungObjectsYoung } from '../collections.ts';
import { answer } from './child.ts';
import { CpuMeter, type CpuReading } from './cpu-meter.ts';
import { FRESH_HOST } from './load.ts';

/** What a gateway counted since the last reset. */
export interface GatewayReading {
  /** Decisions about known callers, who get a Txn-Token from the reuse window. */
  readonly known: CpuReading;
  /** Decisions for which one was minted. */
  readonly minting: CpuReading;
}

// As the command does, whose costs these are.
keepYoungObjectsYoung();

const known = new CpuMeter();
const minting = new CpuMeter();
let meter = known;
let gateway: Gateway | undefined;

// Of node:http: a request has been read; its decision is the next one.
subscribe('http.server.request.start', (message) => {
  const { request } = message as { readonly request: IncomingMessage };
  // Not `headers`: the gateway has Node make no table of fields. The clients of this calibration send this value in one field only.
  meter = request.rawHeaders.includes(FRESH_HOST) ? minting : known;
});
// Around route, authenticate, authorize and exchange: everything that has to do with tokens, and nothing of the proxy.
subscribe(DECISION_START_CHANNEL, () => meter.begin());
subscribe(DECISION_END_CHANNEL, () => meter.end());

answer({
  async start(config: unknown) {
    gateway = await startGateway(createConfig(config));
    return gateway.port;
  },
  reset() {
    known.reset();
    minting.reset();
  },
  read: (): GatewayReading => ({ known: known.read(), minting: minting.read() }),
});
