/** A gateway on several threads: this one fetches keys, takes revocations and answers operators; the others serve. */
import { createServer } from 'node:net';
import { type SharedTable, createSharedTable } from '@watchword/core';
import { type Composition, composeGateway } from '../compose.ts';
import type { GatewayConfig, ListenConfig } from '../config/config.ts';
import { configErrorAt } from '../config/locate.ts';
import { type Readiness, createControlServer } from '../control/control-server.ts';
import { createOperators } from '../control/operator.ts';
import { createReloadEndpoint } from '../control/reload-endpoint.ts';
import type { Gateway, GatewayDependencies } from '../gateway.ts';
import { listenAt, listenError, portOf } from '../listen.ts';
import type { Logger } from '../logger.ts';
import { ReloadStats } from '../reload/reload-stats.ts';
import { Reloader } from '../reload/reloader.ts';
import { type DecisionPorts, decisionListeners, portError } from '../services/decision-service.ts';
import { createTokenListener } from '../token-service/token-listener.ts';
import { KeyHub } from './key-hub.ts';
import { enabledLevels } from './log-relay.ts';
import { MainSwap } from './main-swap.ts';
import { mergeMetrics } from './merge-metrics.ts';
import type { FromThread, MetricsSnapshot, ToThread } from './messages.ts';
import { ThreadFailure } from './server-thread.ts';
import { ThreadPool } from './thread-pool.ts';

/** Time that a thread gets to end, after what its requests get. */
const GRACE_MS = 1000;
/** Tokens that have a place when the configuration does not say: 7 MB. */
const DEFAULT_ENTRIES = 131_072;

/** Starts the threads and the control listener. @throws ConfigError */
export async function startThreads(
  config: GatewayConfig,
  dependencies: GatewayDependencies & { logger: Logger },
): Promise<Gateway> {
  const { logger, clock, fetch } = dependencies;
  if (clock !== undefined)
    throw configErrorAt(config, ['threads'], 'must be 1 with a clock of your own: it is not known to other threads');
  const stats = new ReloadStats(config);
  const operators = createOperators(config);
  const main = composeGateway(config, {
    logger,
    reloads: stats,
    hostsTokenService: true,
    // Each thread follows the log by itself. Where that cannot be written to, they would never hear of it.
    onRevoke: (revocation) => pool.broadcast({ type: 'revoked', revocation }),
    ...(fetch === undefined ? {} : { fetch }),
  });
  const tokens = createTokenListener(config, main);
  const table = createTable(config);
  const hub = new KeyHub((message) => pool.broadcast(message));
  const pool: ThreadPool = new ThreadPool({
    size: config.threads,
    logger,
    startOf: (thread, port) => ({
      ...swap.threadConfig,
      thread,
      port,
      table: table?.handle,
      logLevels: enabledLevels(logger),
      owed: main.current.guard?.revocations.owed() ?? [],
    }),
    said: (message, reply) => takeKeyMessage(message, hub, reply),
  });
  const swap = new MainSwap({ main, hub, pool, table });
  const reloader = new Reloader({
    config,
    stats,
    logger,
    apply: (next) => operators.applyWith(next, () => swap.apply(next)),
  });
  let isDraining = false;
  const control = createControlServer({
    ...main.control,
    readiness: async () => (isDraining ? 'draining' : readinessOf(main, pool)),
    metrics: mergedMetrics(main, pool),
    reload: createReloadEndpoint(() => reloader.reload(), stats),
    isOperator: operators.isOperator,
  });
  const giveBack = async (): Promise<void> => {
    await reloader.close();
    await pool.close(main.current.config.limits.shutdownTimeoutMs + GRACE_MS);
    swap.close();
    hub.close();
    control.close();
    control.closeAllConnections();
    await Promise.all([main.drain(), tokens.close()]);
    await main.close();
  };
  const shutDown = async (): Promise<void> => {
    isDraining = true;
    pool.broadcast({ type: 'announceDrain' });
    await main.announceDrain();
    await giveBack();
  };
  let closing: Promise<void> | undefined;
  try {
    await main.settled();
    main.start();
    await assertFree(config);
    const port = await pool.start(config.listen.port);
    await listenAt(control, config, 'control');
    await tokens.listen();
    return {
      port,
      controlPort: portOf(control),
      tokenServicePort: tokens.port,
      servicePorts: portsOf(config),
      reload: (next) => reloader.reload(next),
      close: () => (closing ??= shutDown()),
    };
  } catch (error) {
    await giveBack();
    throw error instanceof ThreadFailure ? describe(error, config) : error;
  }
}

function createTable({ sharedTable, issuers }: GatewayConfig): SharedTable | undefined {
  const entries = sharedTable?.entries ?? DEFAULT_ENTRIES;
  return entries === 0 || issuers.length === 0 ? undefined : createSharedTable({ entries });
}

function takeKeyMessage(message: FromThread, hub: KeyHub, reply: (message: ToThread) => void): void {
  if (message.type === 'used') hub.used(message.questions);
  else if (message.type === 'wanted') {
    const { request, question } = message;
    void hub.answer(question, (answer) => reply({ type: 'key', request, answer }));
  }
}

// What the main thread lacks, all lack. Beyond that each thread must be there, and have read the revocations.
async function readinessOf(main: Composition, pool: ThreadPool): Promise<Readiness> {
  const own = main.control.readiness();
  if (own !== 'ready') return own;
  const states = (await pool.reports()).map((report) => report?.readiness ?? 'threads_unavailable');
  return states.find((state) => state !== 'ready') ?? 'ready';
}

function mergedMetrics({ control: { metrics } }: Composition, pool: ThreadPool) {
  const snapshots = async () => [(await metrics.getMetricsAsJSON()) as unknown as MetricsSnapshot, ...(await pool.metrics())];
  return {
    contentType: metrics.contentType,
    getMetricsAsJSON: () => metrics.getMetricsAsJSON(),
    metrics: async () => mergeMetrics(await snapshots()).metrics(),
  };
}

// Ports are shared with whoever of the same user asks for it, so a second gateway would take half of the connections unnoticed.
async function assertFree(config: GatewayConfig): Promise<void> {
  await probe(config.listen, (error) => listenError(config, 'listen', error.code, error));
  for (const [name, address] of decisionListeners(config))
    await probe(address, (error) => portError(config, name, address, error));
}

function probe({ host, port }: ListenConfig, toError: (error: NodeJS.ErrnoException) => Error): Promise<void> {
  if (port === 0) return Promise.resolve();
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) => reject(toError(error)));
    server.listen({ host, port, exclusive: true }, () => server.close(() => resolve()));
  });
}

function portsOf(config: GatewayConfig): DecisionPorts {
  return Object.fromEntries(decisionListeners(config).map(([name, { port }]) => [name, port]));
}

function describe({ step, code }: ThreadFailure, config: GatewayConfig): Error {
  if (step === 'start')
    return configErrorAt(config, ['threads'], `a thread died again and again before it could listen (${code})`);
  if (code === 'ENOTSUP' || code === 'EINVAL' || code === 'ENOPROTOOPT') {
    return configErrorAt(config, ['threads'], `must be 1 here: this system does not share a port between threads (${code})`);
  }
  return listenError(config, 'listen', code);
}
