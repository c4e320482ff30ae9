/** `watchword token-service`: runs the token service alone until it is told to stop. */
import type { Command } from 'commander';
import { ConfigError, loadConfig, startTokenService } from '@watchword/gateway';
import { describeFailure } from '../failure.ts';
import { EXIT, type Terminal } from '../terminal.ts';

/** Adds the command. */
export function addTokenServiceCommand(program: Command, terminal: Terminal, done: (code: number) => void): void {
  program
    .command('token-service')
    .description('Run the token service alone: exchange, introspect and revoke tokens for workloads.')
    .requiredOption('-c, --config <file>', 'configuration file (YAML) with a section tokenService; routes are not served')
    .addHelpText('after', HELP)
    .action(async ({ config }: { config: string }) => done(await runTokenService(config, terminal)));
}

async function runTokenService(file: string, terminal: Terminal): Promise<number> {
  try {
    const config = loadConfig(file);
    const service = await startTokenService(config);
    const { host } = config.tokenService!.listen;
    const address = (port: number | undefined, of: string): string => `${of.includes(':') ? `[${of}]` : of}:${port}`;
    terminal.err(
      `watchword token-service listens on ${address(service.tokenServicePort, host)}, control on ${address(service.controlPort, config.control.host)}\n`,
    );
    terminal.onReloadSignal(() => {
      // What was wrong with it stands in the log, with its place.
      service.reload().then(
        () => terminal.err('watchword token-service has reloaded its configuration\n'),
        (error: unknown) => terminal.err(`${describeFailure(error)}watchword token-service keeps its old configuration\n`),
      );
    });
    await untilStopped(() => service.close(), terminal);
    return EXIT.ok;
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    terminal.err(describeFailure(error));
    return EXIT.refused;
  }
}

async function untilStopped(close: () => Promise<void>, terminal: Terminal): Promise<void> {
  const { promise: stopped, resolve } = Promise.withResolvers<void>();
  let stopping = false;
  terminal.onStopSignal(() => {
    if (stopping) return terminal.exit(EXIT.refused);
    stopping = true;
    terminal.err('watchword token-service finishes running requests; a second signal ends it at once\n');
    resolve(close());
  });
  await stopped;
}

const HELP = `
Endpoints below the path of tokenService.issuer: /token, /jwks, /introspect, /revoke, /batch/exchange, /batch/verify; metadata at
/.well-known/oauth-authorization-server. \`watchword gateway\` serves them too when its configuration has the section.
The control listener (default 127.0.0.1:9090) is opened too: next to a gateway it needs a port of its own.
SIGHUP: read the configuration again (keys, issuers, claims; clients and listeners need a restart).
SIGTERM or SIGINT: finish running requests, then exit 0. Wrong configuration or a port that is taken: exit 1.

Examples:
  $ watchword token-service --config watchword.yaml`;
