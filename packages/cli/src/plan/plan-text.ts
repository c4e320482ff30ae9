/** A plan as text for people: tables, limits and advice. */
import Table from 'cli-table3';
import {
  BASIS_MARKS,
  type Bottleneck,
  type Figure,
  type GrowthAdvice,
  type Plan,
  type PlanRow,
  type RuleCheck,
  type SystemCost,
} from '@watchword/planner';
import { count, money, percent, rate, short } from './numbers.ts';

/** What goes with a plan. */
export interface PlanExtras {
  readonly growth: GrowthAdvice | undefined;
  readonly rules: readonly RuleCheck[] | undefined;
  /** Of the gateway, with its present instances. */
  readonly simulatedHits: Figure<'simulated'> | undefined;
}

/** Several tables. */
export function formatPlan(plan: Plan, { growth, rules, simulatedHits }: PlanExtras): string {
  const { scenario } = plan;
  return [
    `${scenario.name}: ${count(scenario.users)} users, ${rate(scenario.users * scenario.requestsPerUserPerSecond)}. ${MARKS}`,
    ...(scenario.observed === undefined ? [] : [observedLine(plan)]),
    growthTableText(plan),
    ...(simulatedHits === undefined
      ? []
      : [`Cache hits of the gateway as it is now: ${mark(simulatedHits, percent(simulatedHits.value))}`]),
    'What is full first, and what comes next: how much of it the load takes, and the load that takes all of it:',
    ...[plan.now, ...plan.rows].flatMap((row) => bottleneckLines(row, row === plan.now)),
    '',
    `Remedies at ${count(scenario.users)} users, in the order of what they save each month:`,
    adviceTable(plan),
    ...plan.remarks.map((remark) => `${BASIS_MARKS.extrapolated} ${remark}`),
    ...(growth === undefined ? [] : growthLines(growth, scenario.prices.currency)),
    ...(rules === undefined ? [] : ruleLines(rules)),
    '',
  ].join('\n');
}

const MARKS = 'No mark: measured; *: simulated; ~: extrapolated by formula';

function observedLine({ scenario: { observed } }: Plan): string {
  const { source, seconds, requestsPerSecond, hitRatio, signatureChecksPerRequest, reuseRatio, hops } = observed!;
  const bytes = hops.map(({ hop, bytesPerRequest }) => `${hop} ${short(bytesPerRequest)} octets`).join(', ');
  return `Measured at ${source} in ${short(seconds)} s: ${rate(requestsPerSecond)}, ${percent(hitRatio)} hits, ${short(signatureChecksPerRequest)} signature checks per request, ${percent(reuseRatio)} of Txn-Tokens reused${bytes === '' ? '' : `, per request: ${bytes}`}`;
}

const LINES: readonly (readonly [title: string, text: (cost: SystemCost, currency: string) => string])[] = [
  ['verification CPU, share of servers', (cost) => mark(cost.verificationShare, percent(cost.verificationShare.value))],
  ['cores for verification', (cost) => mark(cost.verificationCores, short(cost.verificationCores.value))],
  ['cores in all', (cost) => mark(cost.cores, short(cost.cores.value))],
  ['instances', (cost) => mark(cost.instances, count(cost.instances.value))],
  ['signature checks per request', (cost) => mark(cost.signatureChecksPerRequest, short(cost.signatureChecksPerRequest.value))],
  ['cache hits', (cost) => mark(cost.hitRatio, percent(cost.hitRatio.value))],
  ['tokens per link, MB/s', (cost) => mark(cost.perLink, short(cost.perLink.megabytesPerSecond))],
  ['tokens per link, Gbit/s', (cost) => mark(cost.perLink, short(cost.perLink.gigabitsPerSecond))],
  ['tokens on all hops, MB/s', (cost) => mark(cost.allHops, short(cost.allHops.megabytesPerSecond))],
  ['cache memory in use, MB', (cost) => mark(cost.cacheBytes, short(cost.cacheBytes.value / 1e6))],
  ['cache memory at most, MB', (cost) => mark(cost.cacheLimitBytes, short(cost.cacheLimitBytes.value / 1e6))],
  ['latency p50, ms', (cost) => latency(cost, 'p50Ms')],
  ['latency p99, ms', (cost) => latency(cost, 'p99Ms')],
  ['a month', (cost, currency) => mark(cost.monthlyCost, money(cost.monthlyCost.value, currency))],
];

function growthTableText({ rows, scenario }: Plan): string {
  const { currency } = scenario.prices;
  const table = createTable([
    'users\nrequests/s',
    ...rows.flatMap(({ users, requestsPerSecond }) =>
      ['without', 'with'].map((side) => `${count(users)}\n${count(requestsPerSecond)}\n${side}`),
    ),
  ]);
  for (const [title, text] of LINES)
    table.push([title, ...rows.flatMap((row) => [text(row.without, currency), text(row.with, currency)])]);
  return table.toString();
}

function bottleneckLines({ users, requestsPerSecond, without, with: remedied }: PlanRow, isNow: boolean): string[] {
  return [
    `  ${count(users)} users, ${rate(requestsPerSecond)}${isNow ? ' (now)' : ''}`,
    `    without: ${reached(without.bottlenecks)}`,
    `    with:    ${reached(remedied.bottlenecks)}`,
  ];
}

function reached(bottlenecks: readonly Bottleneck[]): string {
  if (bottlenecks.length === 0) return 'nothing';
  return bottlenecks
    .slice(0, 3)
    .map(({ resource, place, requestsPerSecond, utilization }) => {
      const full = mark(requestsPerSecond, rate(requestsPerSecond.value));
      return `${RESOURCES[resource]} ${place}: ${mark(utilization, percent(utilization.value))}, all at ${full}`;
    })
    .join('; then ');
}

const RESOURCES: Readonly<Record<Bottleneck['resource'], string>> = {
  cpu: 'processors of',
  link: 'link',
  cache: 'cache of',
  tables: 'header tables of',
};

function adviceTable({ advice, scenario }: Plan): string {
  const table = createTable(['remedy', 'is', 'saves a month', 'cores', 'MB/s', 'why'], 'left');
  for (const { remedy, isOn, savesPerMonth, savesCores, savesMegabytesPerSecond, reason } of advice) {
    table.push([
      remedy,
      isOn ? 'on' : 'off',
      mark(savesPerMonth, money(savesPerMonth.value, scenario.prices.currency)),
      mark(savesCores, short(savesCores.value)),
      mark(savesMegabytesPerSecond, short(savesMegabytesPerSecond.value)),
      reason,
    ]);
  }
  return table.toString();
}

function growthLines({ factor, users, breaks, steps }: GrowthAdvice, currency: string): string[] {
  const first =
    breaks === undefined
      ? 'nothing breaks'
      : `first breaks: ${RESOURCES[breaks.resource]} ${breaks.place}, of which it takes ${percent(breaks.utilization.value)}`;
  return [
    '',
    `If traffic grows ${short(factor)}x, to ${count(users)} users: ${first}. Do, in this order:`,
    ...steps.map(
      ({ remedy, action, reason, monthlyCostAfter }, index) =>
        `  ${index + 1}. ${remedy}: ${action}: ${reason}. After it ${mark(monthlyCostAfter, money(monthlyCostAfter.value, currency))} a month`,
    ),
  ];
}

function ruleLines(rules: readonly RuleCheck[]): string[] {
  const table = createTable(['rule of thumb', 'from its assumptions', 'with measured costs', 'why they differ'], 'left');
  for (const { rule, unit, computed, measured, why } of rules)
    table.push([rule, `~${computed.map((value) => short(value)).join('-')} ${unit}`, `~${short(measured)} ${unit}`, why]);
  return ['', table.toString()];
}

function latency({ latency: found }: SystemCost, quantile: 'p50Ms' | 'p99Ms'): string {
  return found === null ? 'overloaded' : mark(found[quantile], short(found[quantile].value));
}

function mark({ basis }: Figure, text: string): string {
  return `${BASIS_MARKS[basis]}${text}`;
}

function createTable(head: string[], align: 'left' | 'right' = 'right'): Table.Table {
  const colAligns = head.map((_, index) => (index === 0 ? 'left' : align));
  return new Table({ head, colAligns, style: { head: [], border: [] } });
}
