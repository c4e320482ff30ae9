/** The unit costs of one machine, as `watchword calibrate` measures them and keeps them in a small JSON file. */
import { ShapeReader } from './shape.ts';

/** Number of this format. Another one is refused. */
export const CALIBRATION_FORMAT = 2;

/** Algorithms of tokens that costs are known of. */
export type TokenAlgorithm = 'RS256' | 'PS256' | 'ES256' | 'EdDSA' | 'HS256';
export const TOKEN_ALGORITHMS: readonly TokenAlgorithm[] = Object.freeze(['RS256', 'PS256', 'ES256', 'EdDSA', 'HS256']);

/** How a hop is made. */
export type Protocol = 'http1' | 'http2' | 'grpc';
export const PROTOCOLS: readonly Protocol[] = Object.freeze(['http1', 'http2', 'grpc']);

/** Processor time of all threads of the process for one token, in microseconds. */
export interface AlgorithmCosts {
  /** A whole verification without any cache: form, signature, claims. */
  readonly verifyMicros: number;
  /** A signature alone. */
  readonly signMicros: number;
  /** A Txn-Token that is minted, signature included. */
  readonly mintMicros: number;
}

/** Octets that a field with a token adds to a request: `fixed + perCharacter * characters of the token`. */
export interface FieldBytes {
  readonly fixed: number;
  /** 1 in HTTP/1.1; less where Huffman coding makes base64url smaller. */
  readonly perCharacter: number;
}

/** What it takes to carry one request, without a body, to the next service and to answer it. */
export interface HopCosts {
  /** Processor time of both ends without any token, in microseconds. */
  readonly requestMicros: number;
  /** Octets towards the service without any token: header fields and framing, on a warm connection. */
  readonly requestBytes: number;
  /** Octets of `authorization: Bearer <token>`, which is never indexed (ND-1). */
  readonly bearer: FieldBytes;
  /** Octets of `txn-token: <token>` sent in full. */
  readonly txnToken: FieldBytes;
  /** Octets of a `txn-token` that both ends have in their header tables; null: there are no tables (HTTP/1.1). */
  readonly indexedBytes: number | null;
}

/** What a step takes in addition at one rate. */
export interface RarePoint {
  /** Times per second that one process (one thread of a gateway) takes this step. */
  readonly perSecond: number;
  readonly extraMicros: number;
}

/**
 * What steps take in addition where they are taken rarely: what one needs was pushed out of the processor's caches since its last turn.
 * Points of each step by its own rate, rising; at the last one it costs what the calibration itself says.
 */
export type RareCosts = Readonly<Record<RareStep, readonly RarePoint[]>>;

/** The steps that become dearer. The additions hardly depend on the algorithm; remembering a verdict is in those of `verify`. */
export type RareStep = 'hit' | 'verify' | 'sign' | 'mint' | 'sharedHit' | 'reuse' | 'proxy' | 'request';
export const RARE_STEPS: readonly RareStep[] = Object.freeze([
  'hit',
  'verify',
  'sign',
  'mint',
  'sharedHit',
  'reuse',
  'proxy',
  'request',
]);

/**
 * How far three parts of a calibration are apart, each the middle of every third round: half of the way from the least to the most, as a share
 * of the whole. Under load and at the low rate.
 */
export interface Spread {
  readonly hit: number;
  readonly firstUse: number;
  readonly rareHit: number;
  readonly rareFirstUse: number;
}

/** Unit costs. Everything in it was measured. */
export interface Calibration {
  readonly format: typeof CALIBRATION_FORMAT;
  /** ISO 8601. */
  readonly measuredAt: string;
  readonly machine: {
    readonly cpu: string;
    readonly cores: number;
    readonly arch: string;
    readonly node: string;
    /** Cores that other work kept busy meanwhile: above some tenths the figures are those of a machine that does something else. */
    readonly disturbedBy?: number;
    /** How far parts of the measurement were apart; left out: there was one, or nobody looked. */
    readonly spread?: Spread;
  };
  /** What is added where steps are taken rarely (`atPace`). Left out: not measured, nothing is added. */
  readonly rarely?: RareCosts;
  readonly algorithms: Readonly<Record<TokenAlgorithm, AlgorithmCosts>>;
  /** A verdict from a cache of so many tokens, in microseconds, with rising `tokens`. In between: on a line over the logarithm. */
  readonly hits: readonly { readonly tokens: number; readonly micros: number }[];
  /** What it takes to remember a verdict, beyond the verification. */
  readonly storeMicros: number;
  /** A verification whose signature another thread of the machine has proven. */
  readonly sharedHitMicros: number;
  /** A Txn-Token from the reuse window. */
  readonly reuseMicros: number;
  /** Memory of a remembered verdict. */
  readonly cachedTokenBytes: number;
  /** Characters of the Txn-Token of `mintMicros`: ES256, the claims that it must have and no others. */
  readonly txnTokenBytes: number;
  /** What the gateway takes to forward a request, tokens not counted, in microseconds. */
  readonly proxyMicros: number;
  readonly protocols: Readonly<Record<Protocol, HopCosts>>;
}

/** Reads a calibration. @throws ShapeError with everything that is wrong */
export function parseCalibration(input: unknown): Calibration {
  const root = new ShapeReader(input);
  if (!root.has('format')) root.refuse(['format'], 'is required: what watchword calibrate writes has one');
  else if (root.number('format', {}) !== CALIBRATION_FORMAT)
    root.refuse(['format'], `must be ${CALIBRATION_FORMAT}: measure again`);
  // Of another format, or of something else, nothing more can be said.
  root.assertGood('calibration');
  const calibration: Calibration = {
    format: CALIBRATION_FORMAT,
    measuredAt: root.text('measuredAt'),
    machine: readMachine(root.part('machine', true)),
    ...(root.has('rarely') && { rarely: readRareCosts(root.part('rarely')) }),
    algorithms: readEach(root.part('algorithms', true), TOKEN_ALGORITHMS, readAlgorithm),
    hits: readHits(root),
    storeMicros: root.number('storeMicros', {}),
    sharedHitMicros: root.number('sharedHitMicros', {}),
    reuseMicros: root.number('reuseMicros', {}),
    cachedTokenBytes: root.number('cachedTokenBytes', POSITIVE),
    txnTokenBytes: root.number('txnTokenBytes', POSITIVE),
    proxyMicros: root.number('proxyMicros', POSITIVE),
    protocols: readEach(root.part('protocols', true), PROTOCOLS, readHop),
  };
  root.end();
  root.assertGood('calibration');
  return calibration;
}

/** What a hit costs in a cache of so many tokens, in microseconds. */
export function hitMicros({ hits }: Calibration, tokens: number): number {
  const next = hits.findIndex((point) => point.tokens >= tokens);
  if (next === 0) return hits[0]!.micros;
  if (next === -1) return hits.at(-1)!.micros;
  const [low, high] = [hits[next - 1]!, hits[next]!];
  const share = Math.log(tokens / low.tokens) / Math.log(high.tokens / low.tokens);
  return low.micros + share * (high.micros - low.micros);
}

const POSITIVE = { least: 0, above: true } as const;

function readMachine(reader: ShapeReader): Calibration['machine'] {
  const machine = {
    cpu: reader.text('cpu'),
    cores: reader.number('cores', { least: 1, whole: true }),
    arch: reader.text('arch'),
    node: reader.text('node'),
    ...(reader.has('disturbedBy') && { disturbedBy: reader.number('disturbedBy', {}) }),
    ...(reader.has('spread') && { spread: readSpread(reader.part('spread', true)) }),
  };
  reader.end();
  return machine;
}

function readSpread(reader: ShapeReader): Spread {
  const spread = {
    hit: reader.number('hit', {}),
    firstUse: reader.number('firstUse', {}),
    rareHit: reader.number('rareHit', {}),
    rareFirstUse: reader.number('rareFirstUse', {}),
  };
  reader.end();
  return spread;
}

function readEach<Name extends string, Value>(
  reader: ShapeReader,
  names: readonly Name[],
  read: (reader: ShapeReader) => Value,
): Readonly<Record<Name, Value>> {
  const entries = names.map((name) => [name, read(reader.part(name, true))] as const);
  reader.end();
  return Object.fromEntries(entries) as Record<Name, Value>;
}

function readRareCosts(reader: ShapeReader): RareCosts {
  const steps = RARE_STEPS.map((step) => [step, readRarePoints(reader, step)] as const);
  reader.end();
  return Object.fromEntries(steps) as Record<RareStep, readonly RarePoint[]>;
}

function readRarePoints(root: ShapeReader, step: RareStep): readonly RarePoint[] {
  const points = root.parts(step).map((reader) => {
    const point = { perSecond: reader.number('perSecond', POSITIVE), extraMicros: reader.number('extraMicros', {}) };
    reader.end();
    return point;
  });
  refuseUnordered(root, step, 'perSecond', points);
  return points;
}

// Points of a curve, from left to right.
function refuseUnordered<Name extends string>(
  root: ShapeReader,
  list: string,
  name: Name,
  points: readonly Readonly<Record<Name, number>>[],
): void {
  const unordered = points.findIndex((point, index) => index > 0 && point[name] <= points[index - 1]![name]);
  if (unordered !== -1) root.refuse([list, unordered, name], 'must be more than that of the one before');
}

function readAlgorithm(reader: ShapeReader): AlgorithmCosts {
  const costs = {
    verifyMicros: reader.number('verifyMicros', POSITIVE),
    signMicros: reader.number('signMicros', POSITIVE),
    mintMicros: reader.number('mintMicros', POSITIVE),
  };
  reader.end();
  return costs;
}

function readHits(root: ShapeReader): Calibration['hits'] {
  const hits = root.parts('hits').map((reader) => {
    const point = { tokens: reader.number('tokens', { least: 1 }), micros: reader.number('micros', POSITIVE) };
    reader.end();
    return point;
  });
  refuseUnordered(root, 'hits', 'tokens', hits);
  return hits;
}

function readHop(reader: ShapeReader): HopCosts {
  const hop = {
    requestMicros: reader.number('requestMicros', {}),
    requestBytes: reader.number('requestBytes', {}),
    bearer: readField(reader.part('bearer', true)),
    txnToken: readField(reader.part('txnToken', true)),
    indexedBytes: reader.isNull('indexedBytes') ? null : reader.number('indexedBytes', {}),
  };
  reader.end();
  return hop;
}

function readField(reader: ShapeReader): FieldBytes {
  const field = { fixed: reader.number('fixed', {}), perCharacter: reader.number('perCharacter', POSITIVE) };
  reader.end();
  return field;
}
