/** Where a thread that serves begins: an edge of its own, on the port of all. */
import { isMainThread, parentPort, workerData } from 'node:worker_threads';
import { ALGORITHMS, SigningKey, openSharedTable } from '@watchword/core';
import { composeGateway, type Composition } from '../compose.ts';
import { NOWHERE, rememberLocator } from '../config/locate.ts';
import { portOf } from '../listen.ts';
import { KeyRelay } from './key-relay.ts';
import { createRelayLogger } from './log-relay.ts';
import type { FromThread, ThreadStart, ToThread } from './messages.ts';

if (!isMainThread && parentPort !== null) await runThread(workerData as ThreadStart);

async function runThread(start: ThreadStart): Promise<void> {
  const port = parentPort!;
  const send = (message: FromThread): void => port.postMessage(message);
  let step: 'listen' | 'start' = 'start';
  try {
    const { gateway, relay } = composeThread(start, send);
    port.on('message', (message: ToThread) => take(message, gateway, relay, send));
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

function composeThread(start: ThreadStart, send: (message: FromThread) => void): { gateway: Composition; relay: KeyRelay } {
  const { config, fileName, txnKey, table, sourceIds, logLevels } = start;
  // Places in the file are the main thread's to report; what counts here is the directory.
  if (fileName !== undefined) rememberLocator(config, { ...NOWHERE, fileName });
  const relay = new KeyRelay(
    config.issuers.map(({ issuer }, index) => ({ issuer, id: sourceIds[index]! })),
    send,
  );
  const gateway = composeGateway(config, {
    logger: createRelayLogger(logLevels, send),
    sources: relay.sources,
    table: table && openSharedTable(table),
    txnKey: txnKey && new SigningKey(txnKey.keyObject, ALGORITHMS.get(config.txnToken!.algorithm)!, txnKey.kid),
  });
  return { gateway, relay };
}

function take(message: ToThread, gateway: Composition, relay: KeyRelay, send: (message: FromThread) => void): void {
  relay.take(message);
  if (message.type === 'report') void report(message.request, gateway, send);
  else if (message.type === 'close') void close(gateway);
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
