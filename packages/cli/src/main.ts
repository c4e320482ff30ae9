/** Entry point of the `watchword` command. */
import { describeFailure } from './failure.ts';
import { run } from './run.ts';
import { EXIT, processTerminal } from './terminal.ts';

const terminal = processTerminal();
// What nobody foresaw leaves an unknown state behind: say so and stop, whoever started this starts it again (E13).
process.on('uncaughtException', (error) => {
  terminal.err(describeFailure(error));
  terminal.exit(EXIT.refused);
});

process.exitCode = await run(process.argv.slice(2), terminal);
