/** `watchword token-service`: runs the token service alone until it is told to stop. */
import type { Command } from 'commander';
import { ConfigError, type Gateway, type GatewayConfig, loadConfig, startTokenService } from '@watchword/gateway';
import { describeFailure } from '../failure.ts';
import { runService } from '../service-run.ts';
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
    const start = (): Promise<Gateway> => startTokenService(config);
    await runService(
      { name: 'watchword token-service', start, addressesOf: (service) => addressesOf(service, config) },
      terminal,
    );
    return EXIT.ok;
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    terminal.err(describeFailure(error));
    return EXIT.refused;
  }
}

function addressesOf({ tokenServicePort, controlPort }: Gateway, { tokenService, control }: GatewayConfig): string {
  return `${addressOf(tokenService!.listen.host, tokenServicePort!)}, control on ${addressOf(control.host, controlPort)}`;
}

function addressOf(host: string, port: number): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`;
}

const HELP = `
Endpoints below the path of tokenService.issuer: /token, /jwks, /introspect, /revoke, /batch/exchange, /batch/verify; metadata at
/.well-known/oauth-authorization-server. \`watchword gateway\` serves them too when its configuration has the section.
The control listener (default 127.0.0.1:9090) is opened too: next to a gateway it needs a port of its own.
SIGHUP: read the configuration again (keys, issuers, claims; clients and listeners need a restart).
SIGTERM or SIGINT: finish running requests, then exit 0. Wrong configuration or a port that is taken: exit 1.

Examples:
  $ watchword token-service --config watchword.yaml`;
