/** The octets that tokens take on each link. */
import type { Calibration } from '../calibration.ts';
import { visitsOf } from '../call-graph.ts';
import { indexedShare, tokensInTable } from '../model/header-table.ts';
import { zipfClasses } from '../model/users.ts';
import type { Scenario } from '../scenario.ts';
import { GATEWAY, type Instances, mintingPlaces, protocolOf } from './demand.ts';

/** One link, at one size. */
export interface LinkLoad {
  readonly link: string;
  /** Requests over it for each one at the edge. */
  readonly requests: number;
  /** Octets of the token in each. */
  readonly tokenBytes: number;
  /** Tokens that share a header table, over those that fit; undefined: there is no table that would hold any. */
  readonly tableLoad: number | undefined;
}

/** All links: from the clients, to the first service, and between services. */
export function linksOf(scenario: Scenario, calibration: Calibration, users: number, instances: Instances): readonly LinkLoad[] {
  const { services, token } = scenario;
  const visits = visitsOf(services);
  const { bearer } = calibration.protocols.http1;
  const hops = services.flatMap(({ name, calls }) =>
    Object.entries(calls).map(([callee, times]) => ({ from: name, to: callee, requests: visits.get(name)! * times })),
  );
  return [
    {
      link: `clients -> ${GATEWAY}`,
      requests: 1,
      tokenBytes: bearer.fixed + bearer.perCharacter * token.bytes,
      tableLoad: undefined,
    },
    ...[{ from: GATEWAY, to: services[0]!.name, requests: 1 }, ...hops]
      .filter(({ requests }) => requests > 0)
      .map((hop) => hopLoad(scenario, calibration, users, hop, instances)),
  ];
}

interface Hop {
  readonly from: string;
  readonly to: string;
  readonly requests: number;
}

function hopLoad(scenario: Scenario, calibration: Calibration, users: number, hop: Hop, instances: Instances): LinkLoad {
  const link = `${hop.from} -> ${hop.to}`;
  return { link, requests: hop.requests, ...hopBytes(scenario, calibration, users, hop, instances) };
}

function hopBytes(
  scenario: Scenario,
  calibration: Calibration,
  users: number,
  hop: Hop,
  instances: Instances,
): Pick<LinkLoad, 'tokenBytes' | 'tableLoad'> {
  const { remedies, token, network } = scenario;
  // A signed token cannot be cut: only where another one is minted can it be smaller.
  const characters = remedies.offloading && remedies.lightweight ? smallBytes(scenario) : token.bytes;
  const costs = calibration.protocols[protocolOf(scenario)];
  const field = remedies.offloading ? costs.txnToken : costs.bearer;
  const inFull = field.fixed + field.perCharacter * characters;
  const places = tokensInTable(network.tableBytes, characters);
  if (!remedies.offloading || costs.indexedBytes === null || places === 0) return { tokenBytes: inFull, tableLoad: undefined };
  const { callers, tokenSeconds } = callersOf(scenario, users, hop, instances);
  // A token of its own for each request is in no table yet.
  const isReused = remedies.caching && tokenSeconds > 0;
  const table = { tableBytes: network.tableBytes, tokenBytes: characters, callers, tokenSeconds };
  const indexed = isReused ? indexedShare(table) : 0;
  const busy = callers.reduce(
    (sum, { users: count, requestsPerSecond: rate }) => sum + count * -Math.expm1(-rate * tokenSeconds),
    0,
  );
  return { tokenBytes: indexed * costs.indexedBytes + (1 - indexed) * inFull, tableLoad: busy / places };
}

// Tokens on one connection of the hop. The gateway's threads send their own; services pass on those of all of them.
function callersOf(
  scenario: Scenario,
  users: number,
  { from, to, requests }: Hop,
  instances: Instances,
): {
  readonly callers: ReturnType<typeof zipfClasses>;
  readonly tokenSeconds: number;
} {
  const { services, network, txnToken, session, zipf, gateway, affinity } = scenario;
  const mint = mintingPlaces(scenario, instances);
  const threads = from === GATEWAY ? gateway.threads : services.find(({ name }) => name === from)!.threads;
  const senders = instances.get(from)! * threads;
  const sticky = affinity !== 'none';
  // With affinity a user's requests all come from one instance, or one thread, and go to one instance.
  const sendersOfUser = affinity === 'none' ? senders : affinity === 'instance' ? threads : 1;
  const receiversOfUser = (sticky ? 1 : instances.get(to)!) * network.connections;
  const groups = (senders / sendersOfUser) * (sticky ? instances.get(to)! : 1);
  const tokensOfUser = from === GATEWAY ? 1 : mint.places;
  const busyShare = session.busySeconds / (session.busySeconds + session.idleSeconds);
  const classes = zipfClasses(users, zipf, users * scenario.requestsPerUserPerSecond * requests);
  const callers = classes.map(({ users: count, requestsPerSecond }) => ({
    users: Math.max(1e-9, (count * busyShare * tokensOfUser) / groups),
    requestsPerSecond: requestsPerSecond / busyShare / tokensOfUser / sendersOfUser / receiversOfUser,
  }));
  return { callers, tokenSeconds: txnToken.reuseSeconds };
}

function smallBytes({ token, txnToken }: Scenario): number {
  return Math.min(token.bytes, txnToken.bytes);
}
