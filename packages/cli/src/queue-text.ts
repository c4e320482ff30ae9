/** The figures of a queue as text for people. */
import type { QueueStats } from '@watchword/deferred';
import { printable } from './printable.ts';

/** Several lines. */
export function queueText(stats: QueueStats): string {
  const { depth, claimed, oldestAgeMs, dead, perSecond, totals, byIssuer } = stats;
  const rows: [string, string][] = [
    ['waiting', `${depth - claimed}`],
    ['running', `${claimed}`],
    ['oldest', depth === 0 ? '-' : `${(oldestAgeMs / 1000).toFixed(1)} s`],
    ['dead letters', `${dead}`],
    ['accepted', `${perSecond.accepted.toFixed(1)} per second`],
    ['ended', `${perSecond.ended.toFixed(1)} per second`],
    ...Object.entries(totals).map(([name, count]): [string, string] => [`${name} in all`, `${count}`]),
    ...Object.entries(byIssuer).map(([issuer, count]): [string, string] => [`of ${printable(issuer)}`, `${count}`]),
  ];
  return `${rows.map(([name, value]) => `${name.padEnd(18)} ${value}`).join('\n')}\n`;
}
