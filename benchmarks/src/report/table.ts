/** Tables for people. */
import Table from 'cli-table3';
import { type Target, verdict } from './targets.ts';

/** A column: its title, and whether it holds numbers. */
export type Column = readonly [title: string, align: 'left' | 'right'];

/** Draws a table. Without colours: the output is made to be kept. */
export function drawTable(columns: readonly Column[], rows: readonly (readonly string[])[]): string {
  const table = new Table({
    head: columns.map(([title]) => title),
    colAligns: columns.map(([, align]) => align),
    style: { head: [], border: [], compact: true },
  });
  table.push(...rows.map((row) => [...row]));
  return table.toString();
}

/** Draws the table of targets. */
export function drawTargets(targets: readonly Target[]): string {
  return drawTable(
    [
      ['target', 'left'],
      ['measured', 'right'],
      ['', 'left'],
    ],
    targets.map((target) => [target.claim, `${ratioText(target.ratio)}x`, verdict(target)]),
  );
}

/** A ratio with three significant digits. */
export function ratioText(ratio: number): string {
  return ratio >= 100 ? ratio.toFixed(0) : ratio.toPrecision(3);
}

/** A time in nanoseconds, in the unit that fits it. */
export function timeText(ns: number): string {
  return ns < 10_000 ? `${Math.round(ns).toLocaleString('en-US')} ns` : `${(ns / 1000).toFixed(1)} us`;
}

/** A whole number with separators. */
export function countText(value: number): string {
  return Math.round(value).toLocaleString('en-US');
}
