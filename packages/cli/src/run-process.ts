/** One run of the command in a process of its own. */
import type { HeldSignals } from './early-signals.ts';
import { describeFailure } from './failure.ts';
import { run } from './run.ts';
import { EXIT, processTerminal } from './terminal.ts';

/** Runs it; the process then ends with its exit code. */
export async function runProcess(args: readonly string[], signals: HeldSignals): Promise<void> {
  const terminal = processTerminal(signals);
  // What nobody foresaw leaves an unknown state behind: say so and stop, whoever started this starts it again (E13).
  process.on('uncaughtException', (error) => {
    terminal.err(describeFailure(error));
    terminal.exit(EXIT.refused);
  });
  process.exitCode = await run(args, terminal);
}
