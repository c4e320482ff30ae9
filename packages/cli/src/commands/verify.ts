/** `watchword verify`: says whether the gateway would accept a token, and by which rule not. */
import { type Command, InvalidArgumentError } from 'commander';
import { type GatewayConfig, ConfigError, loadConfig } from '@watchword/gateway';
import { describeFailure } from '../failure.ts';
import { EXIT, type Terminal } from '../terminal.ts';
import { readToken } from '../token-input.ts';
import { formatVerdict } from '../verdict-text.ts';
import { type Verdict, isUndecided, judge } from '../verdict.ts';

interface VerifyOptions {
  readonly config: string;
  readonly at?: number;
  readonly json?: true;
  readonly tokenFile?: string;
}

/** Adds the command. */
export function addVerifyCommand(program: Command, terminal: Terminal, done: (code: number) => void): void {
  program
    .command('verify')
    .description('Read a token and say whether the gateway accepts it, or which rule refuses it.')
    .argument('[token]', 'the token; "-" or nothing: standard input, so that it does not end up in the shell history')
    .requiredOption('-c, --config <file>', 'configuration of the gateway')
    .option('--at <seconds>', 'pretend that it is this time, in Unix seconds', parseSeconds)
    .option('--token-file <file>', 'read the token from a file')
    .option('--json', 'print the verdict as JSON')
    .addHelpText('after', HELP)
    .action(async (token: string | undefined, options: VerifyOptions) => done(await runVerify(token, options, terminal)));
}

async function runVerify(argument: string | undefined, options: VerifyOptions, terminal: Terminal): Promise<number> {
  let verdict: Verdict;
  try {
    if (argument !== undefined && options.tokenFile !== undefined)
      throw new UsageError('give the token or --token-file, not both');
    const config: GatewayConfig = loadConfig(options.config);
    const token = await readToken(argument, options.tokenFile, terminal);
    verdict = await judge(token, config, options.config, options.at);
  } catch (error) {
    // Without a verdict the exit code must not look like one.
    terminal.err(
      error instanceof ConfigError || !(error instanceof UsageError) ? describeFailure(error) : `error: ${error.message}\n`,
    );
    return EXIT.usage;
  }
  terminal.out(options.json ? `${JSON.stringify(verdict, undefined, 2)}\n` : formatVerdict(verdict));
  if (isUndecided(verdict)) return EXIT.usage;
  return verdict.accepted ? EXIT.ok : EXIT.refused;
}

class UsageError extends Error {
  override readonly name = 'UsageError';
}

function parseSeconds(text: string): number {
  const seconds = Number(text);
  if (!/^\d+(\.\d+)?$/.test(text) || !Number.isFinite(seconds))
    throw new InvalidArgumentError('It must be a number of seconds since 1970.');
  if (seconds > 100_000_000_000) throw new InvalidArgumentError('It looks like milliseconds; give seconds.');
  return seconds;
}

const HELP = `
Exit code: 0 accepted, 1 refused, 2 no verdict: wrong usage or configuration, keys that can't be
fetched, revocations that can't be read.

Examples:
  $ watchword verify --config watchword.yaml < token.txt
  $ pbpaste | watchword verify --config watchword.yaml --json
  $ watchword verify --config watchword.yaml --token-file token.txt --at 1767225600`;
