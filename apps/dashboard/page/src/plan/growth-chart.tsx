/** How one cost grows from a hundred to a hundred million users, with and without the remedies. */
import type { Plan, PlanRow, SystemCost } from '@watchword/planner';
import type { JSX } from 'preact';
import { useMemo, useState } from 'preact/hooks';
import type uPlot from 'uplot';
import { CHART_FONT, Chart, type ChartColours } from '../chart/chart.tsx';
import { bytes, compact, text } from '../format.ts';

interface Measure {
  readonly name: string;
  readonly of: (cost: SystemCost) => number;
  readonly show: (value: number) => string;
}

const MEASURES: readonly Measure[] = [
  {
    name: 'Verification cores',
    of: ({ verificationCores }) => verificationCores.value,
    show: (value) => `${short(value)} cores`,
  },
  {
    name: 'Tokens per link',
    of: ({ perLink }) => perLink.megabytesPerSecond * 1e6,
    show: (value) => `${text(bytes(value))}/s`,
  },
  { name: 'Instances', of: ({ instances }) => instances.value, show: short },
  { name: 'Cache memory', of: ({ cacheBytes }) => cacheBytes.value, show: (value) => text(bytes(value)) },
  { name: 'Cost per month', of: ({ monthlyCost }) => monthlyCost.value, show: (value) => `$${short(value)}` },
];

/** The chart, and the choice of what it shows. */
export function GrowthChart({ plan }: { readonly plan: Plan | undefined }): JSX.Element {
  const [chosen, setChosen] = useState(0);
  const measure = MEASURES[chosen]!;
  const data = useMemo(() => seriesOf(plan, measure), [plan, measure]);
  const options = useMemo(() => optionsFor(measure), [measure]);
  return (
    <figure class="growth">
      <figcaption>
        <h2>From 100 to 100 M users</h2>
        <ul class="legend">
          <li class="is-soft">without remedies</li>
          <li class="is-accent">with those that are ticked</li>
        </ul>
      </figcaption>
      <div class="measures" role="group" aria-label="What the chart shows">
        {MEASURES.map(({ name }, index) => (
          <button key={name} type="button" aria-pressed={index === chosen} onClick={() => setChosen(index)}>
            {name}
          </button>
        ))}
      </div>
      <Chart height={280} options={options} data={data} label={describe(plan, measure)} />
    </figure>
  );
}

function rowsOf({ now, rows }: Plan): readonly PlanRow[] {
  const others = rows.filter(({ users }) => users !== now.users);
  return [...others, now].toSorted((left, right) => left.users - right.users);
}

// Both axes are powers of ten; what is nothing has no place on such an axis.
function seriesOf(plan: Plan | undefined, { of }: Measure): uPlot.AlignedData {
  if (plan === undefined) return [[], [], []];
  const rows = rowsOf(plan);
  const logarithm = (value: number): number | null => (value > 0 && Number.isFinite(value) ? Math.log10(value) : null);
  return [
    rows.map(({ users }) => Math.log10(users)),
    rows.map(({ without }) => logarithm(of(without))),
    rows.map((row) => logarithm(of(row.with))),
  ];
}

function describe(plan: Plan | undefined, { name, of, show }: Measure): string {
  if (plan === undefined) return name;
  const parts = plan.rows.map(
    (row) => `at ${compact(row.users)} users ${show(of(row.without))} without and ${show(of(row.with))} with remedies`,
  );
  return `${name}: ${parts.join('; ')}.`;
}

function optionsFor({ show }: Measure): (colours: ChartColours) => Omit<uPlot.Options, 'width' | 'height'> {
  return ({ soft, line, accent, paper }) => {
    const axis = { stroke: soft, font: CHART_FONT, ticks: { show: false } };
    const points = (fill: string): uPlot.Series.Points => ({ show: true, size: 7, fill: paper, stroke: fill, width: 2 });
    return {
      legend: { show: false },
      cursor: { show: false },
      padding: [10, 24, 0, 0],
      scales: {
        x: { time: false, range: [2, 8] },
        y: { range: (_chart, low, high) => [Math.floor(low ?? 0), Math.ceil((high ?? 1) + 0.05)] },
      },
      axes: [
        {
          ...axis,
          size: 32,
          grid: { show: false },
          splits: () => [2, 4, 6, 8],
          values: (_chart, splits) => splits.map((power) => compact(10 ** power)),
        },
        {
          ...axis,
          size: 96,
          gap: 10,
          grid: { stroke: line, width: 1 },
          splits: (_chart, _axis, low, high) => powersBetween(low, high),
          values: (_chart, splits) => splits.map((power) => show(10 ** power)),
        },
      ],
      series: [{}, { stroke: soft, width: 1.5, points: points(soft) }, { stroke: accent, width: 2.5, points: points(accent) }],
    };
  };
}

// At most eight lines, however far apart the ends are.
function powersBetween(low: number, high: number): number[] {
  const step = Math.max(1, Math.ceil((high - low) / 7));
  return Array.from({ length: Math.floor((high - low) / step) + 1 }, (_, index) => low + index * step);
}

function short(value: number): string {
  return value >= 1_000
    ? compact(value)
    : value >= 1
      ? String(Number(value.toPrecision(3)))
      : String(Number(value.toPrecision(2)));
}
