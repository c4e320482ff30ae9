/** `watchword gateway`: runs the edge until it is told to stop. */
import type { Command } from 'commander';
import { ConfigError, type Gateway, type GatewayConfig, inspectFiles, loadConfig, startGateway } from '@watchword/gateway';
import { describeFailure } from '../failure.ts';
import { runService } from '../service-run.ts';
import { EXIT, type Terminal } from '../terminal.ts';

interface GatewayOptions {
  readonly config: string;
  readonly check?: true;
  readonly watch?: true;
}

/** Adds the command. */
export function addGatewayCommand(program: Command, terminal: Terminal, done: (code: number) => void): void {
  program
    .command('gateway')
    .description('Run the edge: verify external tokens, swap them for Txn-Tokens, proxy to the upstreams.')
    .requiredOption('-c, --config <file>', 'configuration file (YAML)')
    .option('--check', 'validate the configuration and the files it names, then exit')
    .option('--watch', 'put changes of the configuration file in force, as SIGHUP does')
    .addHelpText('after', HELP)
    .action(async (options: GatewayOptions) => done(await runGateway(options, terminal)));
}

async function runGateway({ config: file, check, watch }: GatewayOptions, terminal: Terminal): Promise<number> {
  try {
    const config = loadConfig(file);
    if (check) return checkOnly(config, file, terminal);
    const start = (): Promise<Gateway> => startGateway(config, { watch: watch === true });
    await runService({ name: 'watchword gateway', start, addressesOf: (gateway) => addressesOf(gateway, config) }, terminal);
    return EXIT.ok;
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    terminal.err(describeFailure(error));
    return EXIT.refused;
  }
}

function checkOnly(config: GatewayConfig, file: string, terminal: Terminal): number {
  const issues = inspectFiles(config);
  if (issues.length > 0) throw new ConfigError(file, issues);
  terminal.out(`${file}: good: ${config.routes.length} routes, ${config.issuers.length} issuers\n`);
  return EXIT.ok;
}

function addressesOf(gateway: Gateway, { listen, control, tokenService, decisionService }: GatewayConfig): string {
  const { port, controlPort, tokenServicePort, servicePorts } = gateway;
  const addresses = [`control on ${urlOf(control.host, controlPort)}`];
  // Without routes there is no edge.
  if (port !== 0) addresses.unshift(urlOf(listen.host, port));
  if (tokenServicePort !== undefined) addresses.push(`token service on ${tokenService!.listen.host}:${tokenServicePort}`);
  const { extAuthz, forwardAuth } = servicePorts;
  if (extAuthz !== undefined) addresses.push(`ext_authz on ${decisionService!.extAuthz!.listen.host}:${extAuthz}`);
  if (forwardAuth !== undefined)
    addresses.push(`forward auth on ${urlOf(decisionService!.forwardAuth!.listen.host, forwardAuth)}`);
  return addresses.join(', ');
}

function urlOf(host: string, port: number): string {
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
}

const HELP = `
The control listener shows /healthz, /readyz, /metrics and /.well-known/jwks.json.
SIGHUP or POST /reload on the control listener: read the configuration again; a wrong one changes nothing.
SIGTERM or SIGINT: finish running requests, then exit 0. Wrong configuration or a port that is taken: exit 1.

Examples:
  $ watchword gateway --config watchword.yaml
  $ watchword gateway --config watchword.yaml --check`;
