/** A calibration for people. */
import {
  type Calibration,
  PROTOCOLS,
  type Protocol,
  type RareStep,
  type Spread,
  TOKEN_ALGORITHMS,
  atPace,
} from '@watchword/planner';

/** Some tables, aligned, without colours. */
export function calibrationTable(calibration: Calibration): string {
  const { machine } = calibration;
  const rare = atPace(calibration, 0);
  const line = (name: string, step: RareStep | undefined, of: (costs: Calibration) => number): string[] => {
    const [low, high] = ratesOf(calibration, step);
    return [name, micros(of(calibration)), high, micros(of(rare)), low];
  };
  const steps = [
    ['us of processor time', 'often', 'per second', 'rarely', 'per second'],
    ...TOKEN_ALGORITHMS.map((name) => line(`verify ${name}`, 'verify', ({ algorithms }) => algorithms[name].verifyMicros)),
    ...TOKEN_ALGORITHMS.map((name) => line(`sign ${name}`, 'sign', ({ algorithms }) => algorithms[name].signMicros)),
    line('mint a Txn-Token, ES256', 'mint', ({ algorithms }) => algorithms.ES256.mintMicros),
    ...calibration.hits.map(({ tokens }, index) =>
      line(`hit, cache of ${tokens.toLocaleString('en-US')}`, 'hit', ({ hits }) => hits[index]!.micros),
    ),
    line('remember a verdict', undefined, ({ storeMicros }) => storeMicros),
    line('proven by another thread', 'sharedHit', ({ sharedHitMicros }) => sharedHitMicros),
    line('reuse a Txn-Token at the edge', 'reuse', ({ reuseMicros }) => reuseMicros),
    line('proxy a request', 'proxy', ({ proxyMicros }) => proxyMicros),
    ...PROTOCOLS.map((name) => line(`one hop, both ends, ${name}`, 'request', ({ protocols }) => protocols[name].requestMicros)),
  ];
  const octets = [
    ['octets per hop', 'request', 'Txn-Token, first', 'then', 'bearer, 1,200'],
    ...PROTOCOLS.map((name) => octetLine(name, calibration)),
  ];
  return `${machine.cpu}, ${machine.cores} cores, ${machine.arch}, Node ${machine.node}

${aligned(steps)}

${aligned(octets)}

${whole(calibration.cachedTokenBytes)} bytes per cached token; a Txn-Token has ${calibration.txnTokenBytes} characters.
${spreadText(machine.spread)}`;
}

/** At which rates of its own a step was measured. */
function ratesOf({ rarely }: Calibration, step: RareStep | undefined): [low: string, high: string] {
  if (rarely === undefined || step === undefined) return ['', ''];
  const points = rarely[step];
  return [whole(points[0]!.perSecond), whole(points.at(-1)!.perSecond)];
}

function spreadText(spread: Spread | undefined): string {
  if (spread === undefined) return '';
  const share = (value: number): string => `${(value * 100).toFixed(0)} %`;
  const { hit, firstUse, rareHit, rareFirstUse } = spread;
  return `Thirds of the rounds differed by +/- ${share(hit)} for hits and ${share(firstUse)} for first uses under load, ${share(rareHit)} and ${share(rareFirstUse)} at the low rate.
`;
}

function octetLine(name: Protocol, { protocols, txnTokenBytes }: Calibration): string[] {
  const { requestBytes, txnToken, indexedBytes, bearer } = protocols[name];
  const first = txnToken.fixed + txnToken.perCharacter * txnTokenBytes;
  const cells = [requestBytes, first, indexedBytes ?? first, bearer.fixed + bearer.perCharacter * 1200];
  return [name, ...cells.map(whole)];
}

function aligned(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  const lineOf = (row: readonly string[]): string =>
    row.map((cell, column) => (column === 0 ? cell.padEnd(widths[0]!) : cell.padStart(widths[column]!))).join('  ');
  return rows.map(lineOf).join('\n');
}

function micros(value: number): string {
  return value < 10 ? value.toFixed(2) : value.toFixed(1);
}

function whole(value: number): string {
  return Math.round(value).toLocaleString('en-US');
}
