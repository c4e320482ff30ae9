/** Signals that come while a service is still being loaded: without a listener each would end the process, a reload as well. */

/** Signals that a service understands. */
export type ServiceSignal = 'SIGHUP' | 'SIGINT' | 'SIGTERM';

/** Keeps signals until somebody listens. */
export interface HeldSignals {
  /** Calls back on each such signal, the earlier ones included. */
  on(signal: ServiceSignal, listener: () => void): void;
}

/** The part of a process that signals come from. */
export interface SignalSource {
  on(signal: ServiceSignal, listener: () => void): unknown;
  removeListener(signal: ServiceSignal, listener: () => void): unknown;
  exit(code: number): void;
}

/** Commands that run until they are told to stop. The others end on a signal, as any program does. */
const SERVICES: ReadonlySet<string> = new Set(['gateway', 'token-service']);
const SIGNALS = ['SIGHUP', 'SIGINT', 'SIGTERM'] as const;

/** Holds back what comes for a service from now on. A second signal to stop ends the process at once, as it does later. */
export function holdSignals(args: readonly string[], source: SignalSource = process): HeldSignals {
  const came: ServiceSignal[] = [];
  const holders = new Map(
    (SERVICES.has(args[0] ?? '') ? SIGNALS : []).map((signal) => {
      const hold = (): void => {
        if (signal !== 'SIGHUP' && came.some((earlier) => earlier !== 'SIGHUP')) source.exit(1);
        came.push(signal);
      };
      source.on(signal, hold);
      return [signal, hold];
    }),
  );
  return {
    on(signal, listener) {
      source.on(signal, listener);
      const hold = holders.get(signal);
      if (hold === undefined) return;
      holders.delete(signal);
      source.removeListener(signal, hold);
      for (const earlier of came) if (earlier === signal) listener();
    },
  };
}
