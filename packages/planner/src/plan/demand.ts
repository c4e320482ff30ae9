/** What one request costs at each place of a system, given how many instances there are. */
import { type Calibration, hitMicros } from '../calibration.ts';
import { visitsOf } from '../call-graph.ts';
import { type CacheHits, cacheHits } from '../model/cache-hits.ts';
import type { ServicePhase } from '../model/queueing.ts';
import { provenRatio } from '../model/shared-table.ts';
import { usesInLife } from '../model/token-life.ts';
import { type UserClass, zipfClasses } from '../model/users.ts';
import { atPace } from '../pace.ts';
import type { Scenario, Service } from '../scenario.ts';

/** The gateway or a service. */
export interface Node {
  readonly name: string;
  /** Requests that one request at the edge makes it handle. */
  readonly visits: number;
  readonly threads: number;
}

/** What a node does. */
export interface NodeDemand extends Node {
  /** Everything but tokens, for each visit. */
  readonly otherMicros: number;
  /** Verifying, minting, looking up, for each visit: the kinds of it. */
  readonly tokenWork: readonly ServicePhase[];
  readonly signatureChecks: number;
  /** undefined: it has no cache, or does not verify. */
  readonly cache: CacheHits | undefined;
}

/** Unit costs of a step that a thread takes in such a share of its requests: what it does rarely takes longer. */
type Costs = (share: number) => Calibration;

/** How many instances each node has, by name. */
export type Instances = ReadonlyMap<string, number>;

export const GATEWAY = 'gateway';

/** All nodes, the gateway first. */
export function nodesOf({ services, gateway }: Scenario): readonly (Node & { readonly service: Service | undefined })[] {
  const visits = visitsOf(services);
  return [
    { name: GATEWAY, visits: 1, threads: gateway.threads, service: undefined },
    ...services.map((service) => ({ name: service.name, visits: visits.get(service.name)!, threads: service.threads, service })),
  ].filter((node) => node.visits > 0);
}

/** Computes it for all nodes at a number of users. */
export function demandsOf(
  scenario: Scenario,
  calibration: Calibration,
  users: number,
  instances: Instances,
): readonly NodeDemand[] {
  const requestsPerSecond = users * scenario.requestsPerUserPerSecond;
  const classes = zipfClasses(users, scenario.zipf, requestsPerSecond);
  return nodesOf(scenario).map((node) => {
    const pace = (requestsPerSecond * node.visits) / (instances.get(node.name)! * node.threads);
    return demandOf(node, scenario, (share) => atPace(calibration, pace * share), classes, instances);
  });
}

function demandOf(
  { service, ...node }: ReturnType<typeof nodesOf>[number],
  scenario: Scenario,
  costs: Costs,
  classes: readonly UserClass[],
  instances: Instances,
): NodeDemand {
  const otherMicros = service === undefined ? costs(1).proxyMicros : serviceMicros(service, scenario, costs(1));
  const work =
    service === undefined
      ? gatewayWork(scenario, costs, classes, instances)
      : serviceWork(scenario, costs, classes, node, instances);
  return { ...node, otherMicros, ...work };
}

/** What hops inside speak. */
export function protocolOf({ remedies, network }: Scenario): Scenario['network']['protocol'] {
  return remedies.http2 ? network.protocol : 'http1';
}

/** Threads of the gateway that mint a Txn-Token of their own for one user, and groups of them. */
export function mintingPlaces({ affinity, gateway }: Scenario, instances: Instances): Spread {
  return spreadOf(affinity, instances.get(GATEWAY)!, gateway.threads);
}

/** Mean of the kinds of work. */
export function meanOf(work: readonly ServicePhase[]): number {
  return work.reduce((sum, { share, micros }) => sum + share * micros, 0);
}

/** Caches that one user comes to, and groups that users are divided among. */
export interface Spread {
  readonly places: number;
  readonly groups: number;
}

/** Where the requests of one user come to. */
export function spreadOf(affinity: Scenario['affinity'], instances: number, threads: number): Spread {
  if (affinity === 'none') return { places: instances * threads, groups: 1 };
  return affinity === 'instance' ? { places: threads, groups: instances } : { places: 1, groups: instances * threads };
}

type Work = Pick<NodeDemand, 'tokenWork' | 'signatureChecks' | 'cache'>;

const NO_WORK: Work = { tokenWork: [{ share: 1, micros: 0 }], signatureChecks: 0, cache: undefined };

// One end of the request that comes in, and of each that goes out.
function serviceMicros({ calls, workMicros }: Service, scenario: Scenario, { protocols }: Calibration): number {
  const out = Object.values(calls).reduce((sum, times) => sum + times, 0);
  return workMicros + (protocols[protocolOf(scenario)].requestMicros / 2) * (1 + out);
}

function gatewayWork(scenario: Scenario, costs: Costs, classes: readonly UserClass[], instances: Instances): Work {
  const { remedies, token, txnToken, gateway, session } = scenario;
  if (!remedies.offloading) return NO_WORK;
  const verifying = verification(scenario, costs, {
    classes,
    lifeSeconds: token.lifetimeSeconds,
    algorithm: token.algorithm,
    node: { name: GATEWAY, visits: 1, threads: gateway.threads },
    instances,
  });
  const minted = mintedShare(verifying.cache, { classes, session, ...mintingPlaces(scenario, instances) }, txnToken.reuseSeconds);
  const { mintMicros } = costs(minted).algorithms[txnToken.algorithm];
  const exchange = minted * mintMicros + (1 - minted) * costs(1).reuseMicros;
  return { ...verifying, tokenWork: verifying.tokenWork.map(({ share, micros }) => ({ share, micros: micros + exchange })) };
}

// Reuse hangs on the remembered verdict: what the cache has lost, or never had, is minted again.
function mintedShare(
  cache: CacheHits | undefined,
  from: { readonly classes: readonly UserClass[]; readonly session: Scenario['session'] } & Spread,
  reuseSeconds: number,
): number {
  if (cache === undefined || reuseSeconds === 0) return 1;
  let [requests, minted] = [0, 0];
  for (const { users, requestsPerSecond } of from.classes) {
    const caller = { requestsPerSecond: requestsPerSecond / from.places, ...from.session };
    requests += users * requestsPerSecond;
    minted += (users * requestsPerSecond) / usesInLife(caller, reuseSeconds);
  }
  const kept = cache.unboundedHitRatio === 0 ? 0 : cache.hitRatio / cache.unboundedHitRatio;
  return 1 - (1 - minted / requests) * kept;
}

function serviceWork(scenario: Scenario, costs: Costs, classes: readonly UserClass[], node: Node, instances: Instances): Work {
  const { remedies, token, txnToken } = scenario;
  if (!remedies.offloading) {
    const { algorithm, lifetimeSeconds: lifeSeconds } = token;
    return verification(scenario, costs, { classes, lifeSeconds, algorithm, node, instances });
  }
  const { algorithm, reuseSeconds } = txnToken;
  // Without a cache at the gateway, or without reuse, each request has a token of its own: no cache ever sees it again.
  if (!remedies.caching || reuseSeconds === 0) return fullWork(scenario, costs(1), algorithm);
  // Each place of the gateway hands out a token of its own.
  const { places } = mintingPlaces(scenario, instances);
  const split = classes.map(({ users, requestsPerSecond }) => ({
    users: users * places,
    requestsPerSecond: requestsPerSecond / places,
  }));
  return verification(scenario, costs, { classes: split, lifeSeconds: reuseSeconds, algorithm, node, instances });
}

function fullWork({ token, verifyMicros }: Scenario, calibration: Calibration, algorithm: Scenario['token']['algorithm']): Work {
  const known = algorithm === token.algorithm ? verifyMicros : undefined;
  const micros = known ?? calibration.algorithms[algorithm].verifyMicros;
  return { tokenWork: [{ share: 1, micros }], signatureChecks: 1, cache: undefined };
}

interface Verifying {
  readonly classes: readonly UserClass[];
  readonly lifeSeconds: number;
  readonly algorithm: Scenario['token']['algorithm'];
  readonly node: Node;
  readonly instances: Instances;
}

function verification(scenario: Scenario, costs: Costs, verifying: Verifying): Work {
  const { remedies, affinity, cache, session } = scenario;
  const { classes, lifeSeconds, algorithm, node } = verifying;
  if (!remedies.caching) return fullWork(scenario, costs(1), algorithm);
  const instances = verifying.instances.get(node.name)!;
  const common = { classes, session, lifeSeconds, entries: cache.entries, visits: node.visits };
  const thread = cacheHits({ ...common, ...spreadOf(affinity, instances, node.threads) });
  const machines = { ...common, ...spreadOf(affinity, instances, 1), entries: cache.sharedEntries };
  // A gateway of one thread has nobody to share with.
  const proven =
    cache.shared && node.threads > 1
      ? Math.max(thread.hitRatio, provenRatio({ ...machines, missesPerToken: thread.missesPerToken }))
      : thread.hitRatio;
  const full = fullWork(scenario, costs(1 - proven), algorithm).tokenWork[0]!.micros;
  const shared = costs(proven - thread.hitRatio).sharedHitMicros;
  // Each request looks up, also in vain.
  const often = costs(1);
  const tokenWork = [
    { share: thread.hitRatio, micros: hitMicros(often, Math.min(thread.liveTokens, cache.entries)) },
    { share: proven - thread.hitRatio, micros: shared + often.storeMicros },
    { share: 1 - proven, micros: full + often.storeMicros },
  ];
  return { tokenWork, signatureChecks: 1 - proven, cache: thread };
}
