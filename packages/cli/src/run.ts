/** The `watchword` command: reads its arguments, runs one of its commands, and turns whatever happens into an exit code. */
import { Command, CommanderError } from 'commander';
import { addCalibrateCommand } from './commands/calibrate.ts';
import { addDashboardCommand } from './commands/dashboard.ts';
import { addGatewayCommand } from './commands/gateway.ts';
import { addInspectCommand } from './commands/inspect.ts';
import { addKeysCommand } from './commands/keys.ts';
import { addPlanCommand } from './commands/plan.ts';
import { addQueueCommand } from './commands/queue.ts';
import { addRevokeCommand } from './commands/revoke.ts';
import { addTokenServiceCommand } from './commands/token-service.ts';
import { addValidateCommand } from './commands/validate.ts';
import { addVerifyCommand } from './commands/verify.ts';
import { describeFailure } from './failure.ts';
import { EXIT, type Terminal } from './terminal.ts';
import { VERSION } from './version.ts';

/** Runs the command line. Resolves with the exit code; never rejects. */
export async function run(args: readonly string[], terminal: Terminal): Promise<number> {
  let code: number = EXIT.ok;
  const program = createProgram(terminal, (result) => {
    code = result;
  });
  try {
    await program.parseAsync([...args], { from: 'user' });
    return code;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
    terminal.err(describeFailure(error));
    return EXIT.refused;
  }
}

function createProgram(terminal: Terminal, done: (code: number) => void): Command {
  const program = new Command('watchword')
    .description('Verify a token once at the edge, carry a small one the rest of the way.')
    .version(VERSION, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    .exitOverride()
    .configureOutput({ writeOut: terminal.out, writeErr: terminal.err })
    .showHelpAfterError('(--help shows what is possible)')
    .addHelpText('after', EXAMPLES);
  addGatewayCommand(program, terminal, done);
  addTokenServiceCommand(program, terminal, done);
  addValidateCommand(program, terminal, done);
  addVerifyCommand(program, terminal, done);
  addRevokeCommand(program, terminal, done);
  addInspectCommand(program, terminal, done);
  addQueueCommand(program, terminal, done);
  addKeysCommand(program, terminal, done);
  addCalibrateCommand(program, terminal, done);
  addPlanCommand(program, terminal, done);
  addDashboardCommand(program, terminal, done);
  return program;
}

const EXAMPLES = `
Examples:
  $ watchword gateway --config watchword.yaml           run the edge
  $ watchword token-service --config watchword.yaml     exchange tokens for workloads
  $ watchword validate watchword.yaml                   what is wrong with this configuration?
  $ watchword verify --config watchword.yaml < token    why was this token refused?
  $ watchword inspect < token                           where are its bytes, and which of them have to travel?
  $ watchword calibrate --out costs.json                what do tokens cost on this machine?
  $ watchword dashboard                                 see it all in a browser
  $ watchword plan --grow 10x                           what breaks first, and what to do about it?
  $ watchword revoke --issuer https://idp.example --jti a1b2 --expires-in 1h
  $ watchword queue stats --config watchword.yaml       what waits, and what could not be done?
  $ watchword keys show --config watchword.yaml         which keys sign the Txn-Tokens?

Environment:
  WATCHWORD_DEBUG=1   show the stack of unexpected errors`;
