/** `watchword dashboard`: shows running gateways, the planner and the token inspector in a browser. */
import { type Command, InvalidArgumentError } from 'commander';
import { type Dashboard, type GatewayTarget, startDashboard } from '@watchword/dashboard';
import { EXIT, type Terminal } from '../terminal.ts';

interface DashboardCommandOptions {
  readonly gateway?: readonly GatewayTarget[];
  readonly port: number;
}

const DEFAULT_GATEWAY: GatewayTarget = { name: 'gateway', origin: 'http://127.0.0.1:9090' };

/** Adds the command. */
export function addDashboardCommand(program: Command, terminal: Terminal, done: (code: number) => void): void {
  program
    .command('dashboard')
    .description('Show running gateways live, the capacity planner and the token inspector in a browser, on this machine only.')
    .option('-g, --gateway <[name=]url...>', 'control listener of a gateway (default: http://127.0.0.1:9090)', takeGateway)
    .option('-p, --port <port>', 'port on 127.0.0.1; 0: any free one', takePort, 9099)
    .addHelpText('after', HELP)
    .action(async (options: DashboardCommandOptions) => done(await runDashboard(options, terminal)));
}

async function runDashboard(
  { gateway: gateways = [DEFAULT_GATEWAY], port }: DashboardCommandOptions,
  terminal: Terminal,
): Promise<number> {
  const dashboard = await startDashboard({ gateways, port });
  terminal.out(`watchword dashboard on ${dashboard.url}, showing ${gateways.map(({ origin }) => origin).join(', ')}\n`);
  await untilStopped(dashboard, terminal);
  return EXIT.ok;
}

async function untilStopped(dashboard: Dashboard, terminal: Terminal): Promise<void> {
  const { promise: stopped, resolve } = Promise.withResolvers<void>();
  terminal.onStopSignal(() => resolve(dashboard.close()));
  await stopped;
}

function takeGateway(value: string, earlier: readonly GatewayTarget[] = []): readonly GatewayTarget[] {
  const [, name, address] = /^(?:([^=:/]+)=)?(.*)$/s.exec(value)!;
  const url = URL.canParse(address!) ? new URL(address!) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol) || url.username !== '' || url.pathname !== '/' || url.search !== '') {
    throw new InvalidArgumentError('Give the origin of a control listener, such as http://127.0.0.1:9090');
  }
  return [...earlier, { name: name ?? (earlier.length === 0 ? 'gateway' : `gateway ${earlier.length + 1}`), origin: url.origin }];
}

function takePort(value: string): number {
  const port = Number(value);
  if (!/^\d+$/.test(value) || port > 65_535) throw new InvalidArgumentError('Give a port from 0 to 65535');
  return port;
}

const HELP = `
Reads /metrics, /readyz and /.well-known/jwks.json of each control listener once a second; changes nothing.
A token pasted into the inspector never leaves the page.

Examples:
  $ watchword dashboard --gateway http://127.0.0.1:9090
  $ watchword dashboard --gateway edge=http://127.0.0.1:9090 tokens=http://127.0.0.1:9091 --port 0`;
