/** An inspected token as text for people. Names and sizes: values are not shown. */
import type { MappingAdvice, TokenAnatomy } from '@watchword/planner';
import type { RecordedReads } from './claim-reads.ts';
import { printable } from './printable.ts';

/** What is known of the token. */
export interface Inspection {
  readonly anatomy: TokenAnatomy;
  /** Undefined: no reads were given. */
  readonly advice: MappingAdvice | undefined;
  readonly recorded: RecordedReads | undefined;
}

/** Several lines, the sum in the first one. */
export function formatInspection({ anatomy, advice, recorded }: Inspection): string {
  const { bytes, headerBytes, payloadBytes, signatureBytes, algorithm } = anatomy;
  return [
    `${bytes} bytes: header ${headerBytes}, payload ${payloadBytes}, signature ${signatureBytes} (${printable(algorithm)}). Nothing was verified.`,
    '',
    ...claimLines(anatomy, advice),
    ...(advice === undefined ? [] : ['', ...adviceLines(advice, recorded!)]),
    '',
  ].join('\n');
}

function claimLines({ claims, bytes }: TokenAnatomy, advice: MappingAdvice | undefined): string[] {
  const width = Math.max(5, ...claims.map(({ name }) => printable(name).length));
  const head = `  ${'claim'.padEnd(width)}  ${'bytes'.padStart(6)}  ${'share'.padStart(6)}${advice === undefined ? '' : '  reads  advice'}`;
  const uses = new Map(advice?.claims.map((use) => [use.name, use]));
  return [
    head,
    ...claims.map(({ name, bytes: size }) => {
      const share = `${((100 * size) / bytes).toFixed(1)} %`;
      const use = uses.get(name);
      const told = use === undefined ? '' : `  ${String(use.reads).padStart(5)}  ${use.advice}`;
      return `  ${printable(name).padEnd(width)}  ${String(size).padStart(6)}  ${share.padStart(6)}${told}`;
    }),
  ];
}

function adviceLines({ mapping, unread, missing, txnToken }: MappingAdvice, { services }: RecordedReads): string[] {
  const lines = [`Reads of ${services.map(printable).join(', ')}. The smallest mapping that serves them (txnToken.claims):`];
  const entries = Object.entries(mapping);
  if (entries.length === 0) lines.push('  claims: {}');
  else lines.push('  claims:', ...entries.map(([name, source]) => `    ${JSON.stringify(name)}: ${JSON.stringify(source)}`));
  if (unread.length > 0) lines.push(`Mapped now and read by nobody: ${unread.map(printable).join(', ')}`);
  if (missing.length > 0) lines.push(`Read, but not in this token: ${missing.map(printable).join(', ')}`);
  if (txnToken !== undefined) lines.push(`Txn-Token: ${txnToken.nowBytes} bytes now, ${txnToken.leastBytes} with this mapping`);
  return lines;
}
