/** A gateway that counts what its decisions cost, in a process of its own. */
import { subscribe } from 'node:diagnostics_channel';
import { DECISION_END_CHANNEL, DECISION_START_CHANNEL, type Gateway, createConfig, startGateway } from '@watchword/gateway';
import { answer } from './child.ts';
import { CpuMeter } from './cpu-meter.ts';

const meter = new CpuMeter();
let gateway: Gateway | undefined;

// Around route, authenticate, authorize and exchange: everything that has to do with tokens, and nothing of the proxy.
subscribe(DECISION_START_CHANNEL, () => meter.begin());
subscribe(DECISION_END_CHANNEL, () => meter.end());

answer({
  async start(config: unknown) {
    gateway = await startGateway(createConfig(config));
    return gateway.port;
  },
  reset: () => meter.reset(),
  read: () => meter.read(),
});
