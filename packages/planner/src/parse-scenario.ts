/** From data, as YAML gives it, to a scenario, or to every reason why not. */
import { PROTOCOLS, TOKEN_ALGORITHMS } from './calibration.ts';
import { callGraphProblems } from './call-graph.ts';
import { AFFINITIES, DEFAULT_SCENARIO, REMEDIES, type Scenario, type Service } from './scenario.ts';
import { ShapeReader } from './shape.ts';

/** Reads a scenario. What is left out is taken from `base`. @throws ShapeError with everything that is wrong */
export function parseScenario(input: unknown, base: Scenario = DEFAULT_SCENARIO): Scenario {
  const root = new ShapeReader(input);
  const scenario: Scenario = {
    name: root.text('name', base.name),
    users: root.number('users', { least: 1 }, base.users),
    requestsPerUserPerSecond: root.number('requestsPerUserPerSecond', POSITIVE, base.requestsPerUserPerSecond),
    services: readServices(root, base),
    token: readToken(root.part('token'), base),
    txnToken: readTxnToken(root.part('txnToken'), base),
    session: readNumbers(root.part('session'), base.session, { busySeconds: POSITIVE, idleSeconds: {} }),
    zipf: root.number('zipf', { most: 3 }, base.zipf),
    gateway: readNumbers(root.part('gateway'), base.gateway, { instances: COUNT, threads: COUNT }),
    affinity: root.choice('affinity', AFFINITIES, base.affinity),
    cache: readCache(root.part('cache'), base),
    network: readNetwork(root.part('network'), base),
    async: readNumbers(root.part('async'), base.async, { share: SHARE, peakFactor: { least: 1 } }),
    limits: readNumbers(root.part('limits'), base.limits, { utilization: { ...POSITIVE, most: 0.99 }, p99Ms: POSITIVE }),
    remedies: readRemedies(root.part('remedies'), base),
    prices: readPrices(root.part('prices'), base),
    ...optional('verifyMicros', root.has('verifyMicros') ? root.number('verifyMicros', POSITIVE) : base.verifyMicros),
    ...optional('observed', base.observed),
  };
  root.end();
  root.assertGood('scenario');
  return scenario;
}

const POSITIVE = { least: 0, above: true } as const;
const COUNT = { least: 1, most: 10_000_000, whole: true } as const;
const SHARE = { most: 1 } as const;

function optional<Name extends string, Value>(name: Name, value: Value | undefined): Partial<Record<Name, Value>> {
  return value === undefined ? {} : ({ [name]: value } as Record<Name, Value>);
}

function readNumbers<Part extends object>(
  reader: ShapeReader,
  base: Part,
  rules: Readonly<Record<keyof Part & string, Parameters<ShapeReader['number']>[1]>>,
): Part {
  const entries = Object.entries(rules).map(([name, rule]) => [
    name,
    reader.number(name, rule as object, base[name as keyof Part] as number),
  ]);
  reader.end();
  return Object.fromEntries(entries) as Part;
}

function readServices(root: ShapeReader, base: Scenario): readonly Service[] {
  if (!root.has('services')) return base.services;
  const part = root.part('services');
  const services = part.names.map((name): Service => {
    const reader = part.part(name);
    const calls = reader.part('calls');
    const service = {
      name,
      calls: Object.fromEntries(calls.names.map((callee) => [callee, calls.number(callee, POSITIVE)])),
      workMicros: reader.number('workMicros', {}, 0),
      instances: reader.number('instances', COUNT, base.services[0]!.instances),
      threads: reader.number('threads', COUNT, base.services[0]!.threads),
    };
    reader.end();
    return service;
  });
  if (services.length === 0) part.refuse([], 'must name at least one service, the one that the edge calls first');
  for (const { path, reason } of callGraphProblems(services)) part.refuse(path, reason);
  return services;
}

function readToken(reader: ShapeReader, { token }: Scenario): Scenario['token'] {
  const read = {
    bytes: reader.number('bytes', { least: 1 }, token.bytes),
    algorithm: reader.choice('algorithm', TOKEN_ALGORITHMS, token.algorithm),
    lifetimeSeconds: reader.number('lifetimeSeconds', POSITIVE, token.lifetimeSeconds),
  };
  reader.end();
  return read;
}

function readTxnToken(reader: ShapeReader, { txnToken }: Scenario): Scenario['txnToken'] {
  const read = {
    bytes: reader.number('bytes', { least: 1 }, txnToken.bytes),
    algorithm: reader.choice('algorithm', TOKEN_ALGORITHMS, txnToken.algorithm),
    reuseSeconds: reader.number('reuseSeconds', {}, txnToken.reuseSeconds),
  };
  reader.end();
  return read;
}

function readCache(reader: ShapeReader, { cache }: Scenario): Scenario['cache'] {
  const read = {
    entries: reader.number('entries', COUNT, cache.entries),
    shared: reader.flag('shared', cache.shared),
    sharedEntries: reader.number('sharedEntries', COUNT, cache.sharedEntries),
  };
  reader.end();
  return read;
}

function readNetwork(reader: ShapeReader, { network }: Scenario): Scenario['network'] {
  const read = {
    protocol: reader.choice('protocol', PROTOCOLS, network.protocol),
    linkGbps: reader.number('linkGbps', POSITIVE, network.linkGbps),
    connections: reader.number('connections', COUNT, network.connections),
    tableBytes: reader.number('tableBytes', {}, network.tableBytes),
  };
  reader.end();
  return read;
}

function readRemedies(reader: ShapeReader, { remedies }: Scenario): Scenario['remedies'] {
  const read = Object.fromEntries(REMEDIES.map((remedy) => [remedy, reader.flag(remedy, remedies[remedy])]));
  reader.end();
  return read as Scenario['remedies'];
}

function readPrices(reader: ShapeReader, { prices }: Scenario): Scenario['prices'] {
  const read = {
    currency: reader.text('currency', prices.currency),
    cpuHour: reader.number('cpuHour', {}, prices.cpuHour),
    trafficGigabyte: reader.number('trafficGigabyte', {}, prices.trafficGigabyte),
  };
  reader.end();
  return read;
}
