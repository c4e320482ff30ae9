/** A calibration for people. */
import { type Calibration, PROTOCOLS, type Protocol, TOKEN_ALGORITHMS, atPace } from '@watchword/planner';

/** Some tables, aligned, without colours. */
export function calibrationTable(calibration: Calibration): string {
  const { machine, rarely } = calibration;
  const rare = rarely === undefined ? calibration : atPace(calibration, rarely.requestsPerSecond);
  const line = (name: string, of: (costs: Calibration) => number): string[] => [name, micros(of(calibration)), micros(of(rare))];
  const paces =
    rarely === undefined
      ? ['busy', 'rarely asked']
      : [`at ${Math.round(rarely.busyRequestsPerSecond)}/s`, `at ${Math.round(rarely.requestsPerSecond)}/s`];
  const steps = [
    ['us of processor time', ...paces],
    ...TOKEN_ALGORITHMS.map((name) => line(`verify ${name}`, ({ algorithms }) => algorithms[name].verifyMicros)),
    ...TOKEN_ALGORITHMS.map((name) => line(`sign ${name}`, ({ algorithms }) => algorithms[name].signMicros)),
    line('mint a Txn-Token, ES256', ({ algorithms }) => algorithms.ES256.mintMicros),
    ...calibration.hits.map(({ tokens }, index) =>
      line(`hit, cache of ${tokens.toLocaleString('en-US')}`, ({ hits }) => hits[index]!.micros),
    ),
    line('remember a verdict', ({ storeMicros }) => storeMicros),
    line('proven by another thread', ({ sharedHitMicros }) => sharedHitMicros),
    line('reuse a Txn-Token at the edge', ({ reuseMicros }) => reuseMicros),
    line('proxy a request', ({ proxyMicros }) => proxyMicros),
    ...PROTOCOLS.map((name) => line(`one hop, both ends, ${name}`, ({ protocols }) => protocols[name].requestMicros)),
  ];
  const octets = [
    ['octets per hop', 'request', 'Txn-Token, first', 'then', 'bearer, 1,200'],
    ...PROTOCOLS.map((name) => octetLine(name, calibration)),
  ];
  return `${machine.cpu}, ${machine.cores} cores, ${machine.arch}, Node ${machine.node}

${aligned(steps)}

${aligned(octets)}

${whole(calibration.cachedTokenBytes)} bytes per cached token; a Txn-Token has ${calibration.txnTokenBytes} characters.
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
