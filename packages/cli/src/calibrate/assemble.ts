/** From what was measured to the file of unit costs. */
import { arch, availableParallelism, cpus } from 'node:os';
import process from 'node:process';
import {
  type Calibration,
  type HopCosts,
  CALIBRATION_FORMAT,
  PROTOCOLS,
  type Protocol,
  type RareStep,
  TOKEN_ALGORITHMS,
} from '@watchword/planner';
import { median } from './median.ts';
import { type UnitTimes, medianTimes } from './unit-times.ts';

/** Everything that was measured. */
export interface Measurements {
  /** Rounds under load. */
  readonly busyRounds: readonly UnitTimes[];
  /** At the low rate. */
  readonly rare: UnitTimes;
  readonly hops: Readonly<Record<Protocol, HopCosts>>;
  readonly disturbedBy: number | undefined;
  readonly cachedTokenBytes: number;
  readonly txnTokenBytes: number;
  /** Tokens in the larger one of the caches from which hits were measured. */
  readonly manyTokens: number;
}

/** Callers of the stage: so many tokens the caches hold under load. */
const FEW_TOKENS = 200;

/** Puts the file together. */
export function assemble({ busyRounds, rare, hops, disturbedBy, ...measured }: Measurements): Calibration {
  const busy = medianTimes(busyRounds);
  // In one process alone a hop is cheaper than between processes; the protocols differ by as much.
  const hopOf = (protocol: Protocol): HopCosts => ({
    ...roundedHop(hops[protocol]),
    requestMicros: rounded((busy.request * hops[protocol].requestMicros) / hops.http1.requestMicros),
  });
  return {
    format: CALIBRATION_FORMAT,
    measuredAt: new Date().toISOString(),
    machine: {
      cpu: cpus()[0]?.model.trim() || 'unknown',
      cores: availableParallelism(),
      arch: arch(),
      node: process.version,
      ...(disturbedBy !== undefined && { disturbedBy: rounded(disturbedBy) }),
    },
    rarely: {
      requestsPerSecond: rounded(rare.requestsPerSecond),
      busyRequestsPerSecond: rounded(Math.max(busy.requestsPerSecond, rare.requestsPerSecond * 2)),
      extraMicros: extras(busy, rare),
    },
    algorithms: Object.fromEntries(
      TOKEN_ALGORITHMS.map((name) => [name, roundedCosts(busy.algorithms[name])]),
    ) as Calibration['algorithms'],
    hits: [
      { tokens: FEW_TOKENS, micros: rounded(busy.hits[0]) },
      { tokens: Math.max(measured.manyTokens, FEW_TOKENS + 1), micros: rounded(busy.hits[1]) },
    ],
    storeMicros: rounded(busy.store),
    sharedHitMicros: rounded(busy.sharedHit),
    reuseMicros: rounded(busy.reuse),
    cachedTokenBytes: Math.round(measured.cachedTokenBytes),
    txnTokenBytes: measured.txnTokenBytes,
    proxyMicros: rounded(busy.proxy),
    protocols: Object.fromEntries(PROTOCOLS.map((protocol) => [protocol, hopOf(protocol)])) as Calibration['protocols'],
  };
}

/** What the low rate adds: to ES256, of which there are the most measurements. It is the code around the arithmetic that becomes dearer. */
function extras(busy: UnitTimes, rare: UnitTimes): Readonly<Record<RareStep, number>> {
  const more = (of: (times: UnitTimes) => number): number => Math.max(0, rounded(of(rare) - of(busy)));
  const store = more((times) => times.store);
  // A first use is measured as a whole: what is not put down to remembering belongs to verifying.
  const firstUse = more(({ algorithms, store: own }) => algorithms.ES256.verifyMicros + own);
  return {
    hit: more(({ hits }) => hits[0]),
    verify: Math.max(0, rounded(firstUse - store)),
    sign: more(({ algorithms }) => median(TOKEN_ALGORITHMS.map((name) => algorithms[name].signMicros))),
    mint: more(({ algorithms }) => algorithms.ES256.mintMicros),
    store,
    sharedHit: more(({ sharedHit }) => sharedHit),
    reuse: more(({ reuse }) => reuse),
    proxy: more(({ proxy }) => proxy),
    request: more(({ request }) => request),
  };
}

function roundedCosts(costs: Calibration['algorithms']['RS256']): Calibration['algorithms']['RS256'] {
  const { verifyMicros, signMicros, mintMicros } = costs;
  return { verifyMicros: rounded(verifyMicros), signMicros: rounded(signMicros), mintMicros: rounded(mintMicros) };
}

function roundedHop({ bearer, txnToken, requestBytes, indexedBytes, requestMicros }: HopCosts): HopCosts {
  const field = (of: HopCosts['bearer']): HopCosts['bearer'] => ({
    fixed: rounded(of.fixed),
    perCharacter: Math.round(of.perCharacter * 1e4) / 1e4,
  });
  return {
    requestMicros,
    requestBytes: rounded(requestBytes),
    bearer: field(bearer),
    txnToken: field(txnToken),
    indexedBytes: indexedBytes === null ? null : rounded(indexedBytes),
  };
}

// More digits would pretend to a precision that is not there.
function rounded(value: number): number {
  return Math.round(value * 100) / 100;
}
