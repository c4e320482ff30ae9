/** `watchword validate`: says what is wrong with a configuration, all of it at once, without starting or asking anything. */
import type { Command } from 'commander';
import { ConfigError, type ConfigIssue, configJsonSchemaText, inspectFiles, loadConfig } from '@watchword/gateway';
import { EXIT, type Terminal } from '../terminal.ts';

interface ValidateOptions {
  readonly json?: true;
  readonly schema?: true;
}

/** What `--json` prints. */
export interface Validation {
  readonly file: string;
  readonly valid: boolean;
  /** In the order in which they were found; line and column from 1, null when the whole file is meant. */
  readonly errors: readonly { line: number | null; column: number | null; path: string; reason: string }[];
}

/** Adds the command. */
export function addValidateCommand(program: Command, terminal: Terminal, done: (code: number) => void): void {
  program
    .command('validate')
    .description('Check a configuration and the files that it names. Nothing is started, no network is asked.')
    .argument('[file]', 'configuration file (YAML)')
    .option('--json', 'print the result as JSON')
    .option('--schema', 'print the JSON Schema of the configuration instead')
    .addHelpText('after', HELP)
    .action((file: string | undefined, options: ValidateOptions) => done(runValidate(file, options, terminal)));
}

function runValidate(file: string | undefined, { json, schema }: ValidateOptions, terminal: Terminal): number {
  if ((file === undefined) !== (schema === true) || (schema && json)) {
    terminal.err('error: give a file, or --schema alone\n(--help shows what is possible)\n');
    return EXIT.usage;
  }
  if (file === undefined) {
    terminal.out(configJsonSchemaText());
    return EXIT.ok;
  }
  const { unreadable, issues } = issuesOf(file);
  const validation = toValidation(file, issues);
  if (json) terminal.out(`${JSON.stringify(validation, undefined, 2)}\n`);
  else if (issues.length === 0) terminal.out(`${file}: good\n`);
  else terminal.err(`${new ConfigError(file, issues).message}\n`);
  if (unreadable) return EXIT.usage;
  return validation.valid ? EXIT.ok : EXIT.refused;
}

// A file that is not there has not been found wrong: whoever waits for a verdict must be able to tell.
function issuesOf(file: string): { readonly unreadable: boolean; readonly issues: readonly ConfigIssue[] } {
  try {
    return { unreadable: false, issues: inspectFiles(loadConfig(file)) };
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    const { code } = (error.cause ?? {}) as NodeJS.ErrnoException;
    return { unreadable: code !== undefined && UNREADABLE.test(code), issues: error.issues };
  }
}

const UNREADABLE = /^E[A-Z]+$/;

function toValidation(file: string, issues: readonly ConfigIssue[]): Validation {
  const errors = issues.map(({ line, column, path, reason }) => ({ line: line ?? null, column: column ?? null, path, reason }));
  return { file, valid: errors.length === 0, errors };
}

const HELP = `
Each error is a line: file:line:column: setting: reason.
Exit code: 0 good, 1 wrong, 2 no verdict: wrong usage, or the file cannot be read.

For editors that know JSON Schema, as first line of the configuration:
  # yaml-language-server: $schema=./node_modules/@watchword/gateway/watchword.schema.json

Examples:
  $ watchword validate watchword.yaml
  $ watchword validate watchword.yaml --json
  $ watchword validate --schema > watchword.schema.json`;
