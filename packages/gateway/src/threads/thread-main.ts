/** Where a thread that serves begins: an edge of its own, on the port of all. */
import { isMainThread, parentPort, workerData } from 'node:worker_threads';
import { type Revocation, openSharedTable } from '@watchword/core';
import { composeGateway, type Composition } from '../compose.ts';
import { portOf } from '../listen.ts';
import { KeyRelay } from './key-relay.ts';
import { createRelayLogger } from './log-relay.ts';
import type { FromThread, ThreadStart, ToThread } from './messages.ts';
import { SigningKeyRelay } from './signing-keys.ts';
import { ThreadSwap, partsOf } from './thread-swap.ts';

if (!isMainThread && parentPort !== null) await runThread(workerData as ThreadStart);

async function runThread(start: ThreadStart): Promise<void> {
  const port = parentPort!;
  const send = (message: FromThread): void => port.postMessage(message);
  let step: 'listen' | 'start' = 'start';
  try {
    const relays = { keys: new KeyRelay(send), signing: new SigningKeyRelay() };
    const gateway = composeGateway(start.config, {
      ...partsOf(start, relays),
      logger: createRelayLogger(start.logLevels, send),
      table: start.table && openSharedTable(start.table),
    });
    adopt(start.owed, gateway);
    const swap = new ThreadSwap(gateway, relays, start, send);
    port.on('message', (message: ToThread) => {
      relays.keys.take(message);
      relays.signing.take(message);
      swap.take(message);
      take(message, gateway, send);
    });
    await gateway.settled();
    step = 'listen';
    await listenTogether(gateway, start);
    await gateway.services.listen(true);
    gateway.start();
    send({ type: 'ready', port: portOf(gateway.edge.server) });
  } catch (error) {
    const { code, name } = error as NodeJS.ErrnoException;
    send({ type: 'failed', step, code: code ?? name });
    port.close();
  }
}

function take(message: ToThread, gateway: Composition, send: (message: FromThread) => void): void {
  if (message.type === 'report') void report(message.request, gateway, send);
  else if (message.type === 'announceDrain') void gateway.announceDrain();
  else if (message.type === 'revoked') adopt([message.revocation], gateway);
  else if (message.type === 'close') void close(gateway);
}

function adopt(revoked: readonly Revocation[], { live }: Composition): void {
  for (const { guard } of live) for (const revocation of revoked) guard?.revocations.adopt(revocation);
}

async function report(request: number, { control }: Composition, send: (message: FromThread) => void): Promise<void> {
  const metrics = await control.metrics.getMetricsAsJSON();
  send({ type: 'report', request, readiness: control.readiness(), metrics: metrics as never });
}

async function close(gateway: Composition): Promise<void> {
  await gateway.drain();
  await gateway.close();
  // Nothing else keeps the thread.
  parentPort!.close();
}

function listenTogether({ edge: { server } }: Composition, { config, port }: ThreadStart): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host: config.listen.host, port, reusePort: true, exclusive: true }, () => {
      server.off('error', reject);
      resolve();
    });
  });
}
