/** The tables: octets for each request, what the token's share is, and what was promised. */
import { drawTable } from '../report/table.ts';
import type { Octets } from './measure.ts';
import type { Traces } from './traces.ts';

/** One contender, all numbers of callers. */
export interface Line {
  readonly name: string;
  readonly carries: string;
  readonly tables: string;
  /** Octets of the same request without a token. */
  readonly withoutToken: number;
  readonly cells: readonly (Octets & { readonly callers: number })[];
}

/** A promise, in octets. */
export interface OctetTarget {
  readonly claim: string;
  readonly octets: number;
  readonly limit: number;
}

/** The main table. */
export function drawLines(lines: readonly Line[]): string {
  const counts = lines[0]!.cells.map(({ callers }) => callers);
  const last = counts.at(-1)!;
  return drawTable(
    [
      ['octets per request', 'left'],
      ['token', 'left'],
      ['tables', 'left'],
      ['no token', 'right'],
      ...counts.map((count) => [`${count} caller${count === 1 ? '' : 's'}`, 'right'] as const),
      [`token, ${last}`, 'right'],
      [`CPU, ${last}`, 'right'],
    ],
    lines.map((line) => [
      line.name,
      line.carries,
      line.tables,
      line.withoutToken.toFixed(1),
      ...line.cells.map(({ perRequest }) => perRequest.toFixed(1)),
      shareOf(line).toFixed(1),
      `${line.cells.at(-1)!.cpuMicros.toFixed(0)} us`,
    ]),
  );
}

/** What a field does that is different each time. */
export function drawTraces({ callers, withoutTrace, keptOut, indexed }: Traces): string {
  return drawTable(
    [
      [`node:http2, sized tables, ${callers} callers`, 'left'],
      ['octets per request', 'right'],
    ],
    [
      ['no trace id', withoutTrace.toFixed(1)],
      ['a trace id of its own for each request, kept out of the table', keptOut.toFixed(1)],
      ['the same, indexed: it pushes the tokens out', indexed.toFixed(1)],
    ],
  );
}

/** What the token adds with the most callers. */
function shareOf({ cells, withoutToken }: Line): number {
  return cells.at(-1)!.perRequest - withoutToken;
}

/** What was promised. */
export function targetsOf(lines: readonly Line[]): OctetTarget[] {
  return lines
    .filter(({ tables }) => tables === 'sized')
    .map((line) => ({
      claim: `${line.name}: the token, with ${line.cells.at(-1)!.callers} callers on a warm connection`,
      octets: shareOf(line),
      limit: 30,
    }));
}

/** The table of targets. */
export function drawTargets(targets: readonly OctetTarget[]): string {
  return drawTable(
    [
      ['target', 'left'],
      ['measured', 'right'],
      ['', 'left'],
    ],
    targets.map(({ claim, octets, limit }) => [
      claim,
      `${octets.toFixed(1)} octets`,
      `${octets <= limit ? 'PASS' : 'short'} (at most ${limit})`,
    ]),
  );
}
