/** From what was measured to the file of unit costs. */
import { arch, availableParallelism, cpus } from 'node:os';
import process from 'node:process';
import {
  type AlgorithmCosts,
  type Calibration,
  type HopCosts,
  CALIBRATION_FORMAT,
  PROTOCOLS,
  type Protocol,
  type RareCosts,
  type RarePoint,
  TOKEN_ALGORITHMS,
  type TokenAlgorithm,
} from '@watchword/planner';
import type { BusyRound, RareRound } from './rounds.ts';
import { spreadOf } from './spread.ts';
import { LEAST_MICROS, type PaceTimes, type ProbeTimes, middleOf, probeTimesOf, together } from './unit-times.ts';

/** Everything that was measured. */
export interface Measurements {
  readonly busyRounds: readonly BusyRound[];
  readonly rareRounds: readonly RareRound[];
  readonly hops: Readonly<Record<Protocol, HopCosts>>;
  readonly disturbedBy: number | undefined;
  readonly cachedTokenBytes: number;
  readonly txnTokenBytes: number;
  /** Tokens in the two caches from which hits were measured. */
  readonly cacheSizes: readonly [few: number, many: number];
}

/** Callers of the stage: so many tokens the caches hold under load. */
const FEW_TOKENS = 200;

/** Puts the file together. */
export function assemble({ busyRounds, rareRounds, hops, disturbedBy, ...measured }: Measurements): Calibration {
  const costs = timesOf(busyRounds, rareRounds);
  const { few, probes } = costs;
  // In one process alone a hop is cheaper than between processes; the protocols differ by as much.
  const hopOf = (protocol: Protocol): HopCosts => ({
    ...roundedHop(hops[protocol]),
    requestMicros: rounded((few.request * hops[protocol].requestMicros) / hops.http1.requestMicros),
  });
  const [fewTokens, manyTokens] = measured.cacheSizes.map((size) => probes.steps[`hit ${size}`]!);
  const store = storeMicros(probes);
  const spread = spreadOf(busyRounds, rareRounds);
  return {
    format: CALIBRATION_FORMAT,
    measuredAt: new Date().toISOString(),
    machine: {
      cpu: cpus()[0]?.model.trim() || 'unknown',
      cores: availableParallelism(),
      arch: arch(),
      node: process.version,
      ...(disturbedBy !== undefined && { disturbedBy: rounded(disturbedBy) }),
      ...(spread !== undefined && { spread }),
    },
    rarely: rareCosts(costs),
    algorithms: algorithmCosts(costs, store),
    hits: [
      { tokens: FEW_TOKENS, micros: rounded(few.hit) },
      // Dearer by as much as it is in a cache of that size of its own.
      {
        tokens: Math.max(measured.cacheSizes[1], FEW_TOKENS + 1),
        micros: rounded(few.hit + Math.max(0, manyTokens! - fewTokens!)),
      },
    ],
    storeMicros: rounded(store),
    sharedHitMicros: rounded(probes.steps['shared hit']!),
    reuseMicros: rounded(few.reuse),
    cachedTokenBytes: Math.round(measured.cachedTokenBytes),
    txnTokenBytes: measured.txnTokenBytes,
    proxyMicros: rounded(few.proxy),
    protocols: Object.fromEntries(PROTOCOLS.map((protocol) => [protocol, hopOf(protocol)])) as Calibration['protocols'],
  };
}

interface Times {
  readonly few: PaceTimes;
  readonly many: PaceTimes;
  readonly probes: ProbeTimes;
  readonly middle: PaceTimes;
  readonly rare: PaceTimes;
  readonly rareProbes: ProbeTimes;
}

function timesOf(busy: readonly BusyRound[], rarely: readonly RareRound[]): Times {
  return {
    few: middleOf(busy.map(({ few }) => few)),
    many: middleOf(busy.map(({ many }) => many)),
    probes: probeTimesOf(together(busy.map(({ probes }) => probes))),
    middle: middleOf(rarely.map(({ middle }) => middle)),
    rare: middleOf(rarely.map(({ rare }) => rare)),
    rareProbes: probeTimesOf(together(rarely.map(({ probes }) => probes))),
  };
}

/** What remembering adds to a verification that costs little itself. */
function storeMicros({ steps }: ProbeTimes): number {
  return Math.max(0, steps.store! - steps['verify HS256']!);
}

/** In their place in a request, where little but first uses happens: ES256 as it was, the others by as much dearer as they are alone. */
function algorithmCosts({ many, few, probes: { steps } }: Times, store: number): Calibration['algorithms'] {
  const step = (name: string): number => steps[name]!;
  const mintAlone = (algorithm: TokenAlgorithm): number =>
    // No Txn-Token is ever signed with a shared secret (JO-10); what one would cost is put together.
    algorithm === 'HS256' ? step('sign HS256') + Math.max(0, step('mint ES256') - step('sign ES256')) : step(`mint ${algorithm}`);
  const costs = TOKEN_ALGORITHMS.map((algorithm): readonly [TokenAlgorithm, AlgorithmCosts] => {
    const verify = many.firstUse - store + step(`verify ${algorithm}`) - step('verify ES256');
    const mint = mintOf(many, few) + mintAlone(algorithm) - step('mint ES256');
    const mintMicros = rounded(Math.max(LEAST_MICROS, mint));
    // A signature alone is taken more rarely than Txn-Tokens are minted here, and seems dearer than the whole.
    const signMicros = Math.min(rounded(step(`sign ${algorithm}`)), mintMicros);
    return [algorithm, { verifyMicros: rounded(Math.max(LEAST_MICROS, verify)), signMicros, mintMicros }];
  });
  return Object.fromEntries(costs) as Calibration['algorithms'];
}

// Where hits are rare themselves they are dearer, but the gateway knows the external token all the same.
function mintOf({ mint, hit }: PaceTimes, { hit: knownHit }: PaceTimes): number {
  return mint + hit - knownHit;
}

/** What each step takes in addition at the lower rates. */
function rareCosts({ few, many, middle, rare, probes, rareProbes }: Times): RareCosts {
  const perRequest = (of: (times: PaceTimes) => number): RarePoint[] =>
    curve([rare, middle, few].map((times) => [times.requestsPerSecond, of(times) - of(few)]));
  // A first use is measured as a whole: verifying and remembering together.
  const perFirstUse = (of: (times: PaceTimes) => number): RarePoint[] =>
    curve([rare, few, many].map((times) => [times.firstUsesPerSecond, of(times) - of(many)]));
  const perProbe = (name: string): RarePoint[] =>
    curve([rareProbes, probes].map(({ perSecond, steps }) => [perSecond, steps[name]! - probes.steps[name]!]));
  return {
    hit: perRequest(({ hit }) => hit),
    verify: perFirstUse(({ firstUse }) => firstUse),
    sign: perProbe('sign ES256'),
    mint: perFirstUse((times) => (times === many ? mintOf(many, few) : times.mint)),
    sharedHit: perProbe('shared hit'),
    reuse: perRequest(({ reuse }) => reuse),
    proxy: perRequest(({ proxy }) => proxy),
    request: perRequest(({ request }) => request),
  };
}

/** How much further apart than this points must be, as a factor of their rate. */
const APART = 1.1;

// The last one is the one that the costs are from. On a machine that is very busy the rates before it may hardly differ.
function curve(points: readonly (readonly [perSecond: number, extraMicros: number])[]): RarePoint[] {
  const [base, ...others] = points.toReversed();
  const kept = [{ perSecond: rounded(base![0]), extraMicros: 0 }];
  for (const [perSecond, extra] of others.toSorted((left, right) => right[0] - left[0])) {
    if (rounded(perSecond) * APART > kept[0]!.perSecond || perSecond < LEAST_PER_SECOND) continue;
    kept.unshift({ perSecond: rounded(perSecond), extraMicros: Math.max(0, rounded(extra)) });
  }
  return kept;
}

const LEAST_PER_SECOND = 0.01;

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
