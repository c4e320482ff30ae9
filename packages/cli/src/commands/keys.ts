/** `watchword keys`: the signing keys that the instances of a trust domain share, and a rotation before its time. */
import { existsSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import type { Command } from 'commander';
import type { KeyDescription, SigningKeySet } from '@watchword/core';
import { loadConfig, openSigningKeys } from '@watchword/gateway';
import { describeFailure } from '../failure.ts';
import { printable } from '../printable.ts';
import { EXIT, type Terminal } from '../terminal.ts';

interface KeysOptions {
  readonly config: string;
  readonly json?: true;
  readonly atOnce?: true;
}

/** Adds the command and its subcommands. */
export function addKeysCommand(program: Command, terminal: Terminal, done: (code: number) => void): void {
  const keys = program
    .command('keys')
    .description('Show the signing keys of the Txn-Tokens, begin a rotation before its time, take a key away.')
    .addHelpText('after', HELP);
  const add = (name: string, text: string): Command =>
    keys
      .command(name)
      .description(text)
      .requiredOption('-c, --config <file>', 'configuration of the gateway')
      .option('--json', 'print the keys as JSON');
  add('show', 'Which keys are published, which one signs, and until when').action(async (options: KeysOptions) =>
    done(await runWith(options, terminal, (set) => set.look())),
  );
  add('rotate', 'Publish a new key now; it signs as soon as every verifier can know it')
    .option(
      '--at-once',
      'sign with it now; verifiers learn of it by fetching. The old one stays good: withdraw what got into wrong hands',
    )
    .action(async (options: KeysOptions) =>
      done(await runWith(options, terminal, (set) => set.rotate(options.atOnce ? 'at-once' : 'planned'))),
    );
  add('withdraw <kid>', 'Take a key away at once, everywhere; if it is the one that signs, another takes its place').action(
    async (kid: string, options: KeysOptions) => done(await runWith(options, terminal, (set) => withdraw(set, kid, terminal))),
  );
}

async function runWith(
  { config: file, json }: KeysOptions,
  terminal: Terminal,
  work: (set: SigningKeySet) => Promise<void>,
): Promise<number> {
  let set: SigningKeySet | undefined;
  try {
    set = openKeys(file);
    await work(set);
    const keys = set.describe();
    terminal.out(json ? `${JSON.stringify(keys, undefined, 2)}\n` : textOf(keys));
    return EXIT.ok;
  } catch (error) {
    terminal.err(describeFailure(error));
    return EXIT.refused;
  } finally {
    await set?.close();
  }
}

async function withdraw(set: SigningKeySet, kid: string, terminal: Terminal): Promise<void> {
  if (!(await set.withdraw(kid))) throw new Error(`there is no key ${printable(kid)}; keys show lists them`);
  terminal.err(`${printable(kid)} is withdrawn\n`);
}

function openKeys(file: string): SigningKeySet {
  const config = loadConfig(file);
  const section = config.txnToken?.keys;
  if (section === undefined) throw new Error(`${file}: has no section txnToken.keys: its key does not rotate`);
  const { sqlite } = section.store;
  // Looking must not make a file.
  if (sqlite !== undefined && !existsSync(resolve(dirname(file), sqlite))) {
    throw new Error(`${resolve(dirname(file), sqlite)}: is not there; no gateway has made a key yet`);
  }
  return openSigningKeys(config, section);
}

function textOf(keys: readonly KeyDescription[]): string {
  const time = (ms: number): string => new Date(ms).toISOString();
  if (keys.length === 0) return 'no key is published now\n';
  const lines = keys.map(
    ({ kid, alg, state, activatesAtMs, endsAtMs, goneAtMs }) =>
      `${state.padEnd(8)}  ${printable(kid)}  ${alg}  signs ${time(activatesAtMs)} to ${time(endsAtMs)} at the latest, published until ${time(goneAtMs)}`,
  );
  return `${lines.join('\n')}\n`;
}

const HELP = `
A key in wrong hands: withdraw it. Running gateways stop using and publishing it within 5 seconds; services refuse what it has
signed when they next fetch the keys (5 minutes at most by default), and at once where they follow the revocation log:
  $ watchword keys withdraw 8xh2Kq1z --config watchword.yaml
  $ watchword revoke --issuer inside.example --kid 8xh2Kq1z --expires-in 1h
Exit code: 0 done, 1 the store cannot be asked or has no rotating keys, 2 wrong usage.

Examples:
  $ watchword keys show --config watchword.yaml
  $ watchword keys rotate --config watchword.yaml --json`;
