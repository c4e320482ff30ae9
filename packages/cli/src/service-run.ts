/** One run of a long-lived service: its start, its signals at whatever moment they come, its end. */
import { describeFailure } from './failure.ts';
import { EXIT, type Terminal } from './terminal.ts';

/** What a service can be told. */
export interface Service {
  reload(): Promise<unknown>;
  close(): Promise<void>;
}

/** A service that is about to run. */
export interface ServiceRun<S extends Service> {
  /** The command, for messages. */
  readonly name: string;
  start(): Promise<S>;
  /** Where the started service listens. */
  addressesOf(service: S): string;
}

/** Starts the service and returns after it was told to stop and has closed; what the start throws passes through. */
export async function runService<S extends Service>(
  { name, start, addressesOf }: ServiceRun<S>,
  terminal: Terminal,
): Promise<void> {
  // Before the start: a signal that nobody listens to kills the process, a reload as well as a stop.
  const signals = listen(name, terminal);
  const service = await start();
  // Standard output carries the log lines, one JSON object each.
  terminal.err(`${name} listens on ${addressesOf(service)}\n`);
  signals.onReload(() => reload(name, service, terminal));
  await signals.stopped;
  await service.close();
}

interface Signals {
  /** Calls back on each request to reload, the earlier ones included. */
  onReload(listener: () => void): void;
  readonly stopped: Promise<void>;
}

function listen(name: string, terminal: Terminal): Signals {
  const { promise: stopped, resolve } = Promise.withResolvers<void>();
  let stopping = false;
  terminal.onStopSignal(() => {
    if (stopping) return terminal.exit(EXIT.refused);
    stopping = true;
    terminal.err(`${name} finishes running requests; a second signal ends it at once\n`);
    resolve();
  });
  let asked = false;
  let listener = (): void => void (asked = true);
  terminal.onReloadSignal(() => listener());
  return {
    onReload(next) {
      listener = next;
      if (asked) next();
    },
    stopped,
  };
}

function reload(name: string, service: Service, terminal: Terminal): void {
  // What was wrong with it stands in the log, with its place.
  service.reload().then(
    () => terminal.err(`${name} has reloaded its configuration\n`),
    (error: unknown) => terminal.err(`${describeFailure(error)}${name} keeps its old configuration\n`),
  );
}
