/** `npm start`: brings the whole system up, measures four ways to know the caller, and stays up. */
import { constants } from 'node:os';
import process from 'node:process';
import { run } from './run.ts';
import { HELP, type Options, readOptions } from './options.ts';
import { Fleet } from './process/fleet.ts';

process.exitCode = await main();

async function main(): Promise<number> {
  const options = readArguments();
  if (options === undefined) return 2;
  if (options.help) {
    console.log(HELP);
    return 0;
  }
  const fleet = new Fleet();
  const stop = stopRequest();
  let serving = false;
  try {
    // Whichever comes first: the work is done, somebody asks to stop, or a process dies.
    const work = run(fleet, options, () => (serving = true));
    work.catch(() => {});
    const signal = await Promise.race([work, stop.requested, fleet.broken]);
    // Stopping a mesh that merely serves is how it ends; stopping one at work is an interruption.
    return signal === undefined || serving ? 0 : 128 + constants.signals[signal];
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    return 1;
  } finally {
    await fleet.close();
    stop.forget();
  }
}

function readArguments(): Options | undefined {
  try {
    return readOptions(process.argv.slice(2));
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    console.error('Try: npm start -- --help');
    return undefined;
  }
}

/** Signals, and the end of the parent process, which says nothing when it is killed. Later ones change nothing. */
function stopRequest(): { requested: Promise<'SIGINT' | 'SIGTERM' | 'SIGHUP'>; forget: () => void } {
  const { promise, resolve } = Promise.withResolvers<'SIGINT' | 'SIGTERM' | 'SIGHUP'>();
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  const listeners = signals.map((signal) => ({ signal, listener: () => resolve(signal) }));
  for (const { signal, listener } of listeners) process.on(signal, listener);
  const orphaned = (): void => resolve('SIGHUP');
  process.on('disconnect', orphaned);
  // Listening alone must not keep this process alive.
  process.channel?.unref();
  return {
    requested: promise,
    forget: () => {
      for (const { signal, listener } of listeners) process.off(signal, listener);
      process.off('disconnect', orphaned);
    },
  };
}
