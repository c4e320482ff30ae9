/** The flags of `watchword plan`, as changes of a scenario. */
import type { Command } from 'commander';
import { REMEDIES, type Remedy, type Scenario, ShapeError, parseScenario } from '@watchword/planner';

/** All flags that say something about the system; undefined: not given. Numbers as they were typed. */
export interface ScenarioFlags {
  readonly users?: string;
  readonly requestsPerUser?: string;
  readonly services?: string;
  readonly fanOut?: string;
  readonly tokenBytes?: string;
  readonly txnTokenBytes?: string;
  readonly algorithm?: string;
  readonly lifetime?: string;
  readonly reuse?: string;
  readonly busy?: string;
  readonly idle?: string;
  readonly zipf?: string;
  readonly instances?: string;
  readonly threads?: string;
  readonly affinity?: string;
  readonly cacheEntries?: string;
  readonly protocol?: string;
  readonly linkGbps?: string;
  readonly remedies?: string;
  readonly verifyMicros?: string;
  readonly cpuHour?: string;
  readonly trafficGb?: string;
}

/** Declares them. */
export function addScenarioFlags(command: Command): Command {
  return command
    .option('--users <n>', 'users now')
    .option('--requests-per-user <n>', 'requests of a user, per second')
    .option('--services <n>', 'a chain of so many services behind the gateway')
    .option('--fan-out <n>', 'calls of each service of the chain to the next one')
    .option('--token-bytes <n>', 'characters of the external token')
    .option('--txn-token-bytes <n>', 'characters of the Txn-Token')
    .option('--algorithm <name>', 'of the external token: RS256, PS256, ES256, EdDSA, HS256')
    .option('--lifetime <seconds>', 'of the external token')
    .option('--reuse <seconds>', 'for which a Txn-Token is handed out again')
    .option('--busy <seconds>', 'that a user is busy ...')
    .option('--idle <seconds>', '... and idle, by turns, on average')
    .option('--zipf <n>', 'how unequal users are; 0: all alike')
    .option('--instances <n>', 'of the gateway and of each service')
    .option('--threads <n>', 'of each instance')
    .option('--affinity <kind>', 'of users to none, instance or thread')
    .option('--cache-entries <n>', 'verdicts that each thread remembers')
    .option('--protocol <name>', 'behind the gateway with the remedy http2: http1, http2, grpc')
    .option('--link-gbps <n>', 'what a link carries, in Gbit/s')
    .option('--remedies <list>', `all, none, or some of ${REMEDIES.join(',')}`)
    .option('--verify-micros <n>', 'one verification without cache, instead of the calibration')
    .option('--cpu-hour <price>', 'of one core')
    .option('--traffic-gb <price>', 'of one gigabyte between services');
}

/** Applies them. @throws ShapeError naming the setting that a flag stands for */
export function applyFlags(flags: ScenarioFlags, base: Scenario): Scenario {
  const scenario = parseScenario(changesOf(flags), base);
  if (flags.instances === undefined && flags.threads === undefined) return scenario;
  const servers = {
    ...(flags.instances === undefined ? {} : { instances: scenario.gateway.instances }),
    ...(flags.threads === undefined ? {} : { threads: scenario.gateway.threads }),
  };
  return { ...scenario, services: scenario.services.map((service) => Object.assign({}, service, servers)) };
}

function changesOf(flags: ScenarioFlags): object {
  return withoutNothing({
    users: number(flags.users),
    requestsPerUserPerSecond: number(flags.requestsPerUser),
    services: chainOf(flags),
    token: { bytes: number(flags.tokenBytes), algorithm: flags.algorithm, lifetimeSeconds: number(flags.lifetime) },
    txnToken: { bytes: number(flags.txnTokenBytes), reuseSeconds: number(flags.reuse) },
    session: { busySeconds: number(flags.busy), idleSeconds: number(flags.idle) },
    zipf: number(flags.zipf),
    gateway: { instances: number(flags.instances), threads: number(flags.threads) },
    affinity: flags.affinity,
    cache: { entries: number(flags.cacheEntries) },
    network: { protocol: flags.protocol, linkGbps: number(flags.linkGbps) },
    remedies: remediesOf(flags.remedies),
    verifyMicros: number(flags.verifyMicros),
    prices: { cpuHour: number(flags.cpuHour), trafficGigabyte: number(flags.trafficGb) },
  });
}

/** Longer chains are a mistake, or an attack on this machine's memory. */
const LONGEST_CHAIN = 1000;

function chainOf({ services, fanOut }: ScenarioFlags): object | undefined {
  if (services === undefined) {
    if (fanOut !== undefined) throw new ShapeError('scenario', [{ path: ['fanOut'], reason: 'goes with --services' }]);
    return undefined;
  }
  const length = number(services)!;
  if (!(Number.isInteger(length) && length >= 1 && length <= LONGEST_CHAIN))
    throw new ShapeError('scenario', [{ path: ['services'], reason: `must be a whole number from 1 to ${LONGEST_CHAIN}` }]);
  const names = Array.from({ length }, (_, index) => `service-${index + 1}`);
  const calls = number(fanOut) ?? 1;
  return Object.fromEntries(
    names.map((name, index) => [name, index === length - 1 ? {} : { calls: { [names[index + 1]!]: calls } }]),
  );
}

function remediesOf(list: string | undefined): object | undefined {
  if (list === undefined) return undefined;
  const named = list === 'all' ? [...REMEDIES] : list === 'none' ? [] : list.split(',').map((name) => name.trim());
  const strangers = named.filter((name) => !REMEDIES.includes(name as Remedy));
  if (strangers.length > 0)
    throw new ShapeError('scenario', [{ path: ['remedies'], reason: `must be all, none, or some of ${REMEDIES.join(',')}` }]);
  return Object.fromEntries(REMEDIES.map((remedy) => [remedy, named.includes(remedy)]));
}

// What is no number stays one that is refused, with the name of its setting.
function number(text: string | undefined): number | undefined {
  return text === undefined ? undefined : text.trim() === '' ? Number.NaN : Number(text);
}

function withoutNothing(settings: Readonly<Record<string, unknown>>): object {
  const given = Object.entries(settings)
    .map(([name, value]) => [name, isPart(name, value) ? withoutNothing(value as Record<string, unknown>) : value] as const)
    .filter(([, value]) => value !== undefined);
  return Object.fromEntries(given);
}

function isPart(name: string, value: unknown): boolean {
  return name !== 'services' && typeof value === 'object' && value !== null;
}
