/** Requests and signature checks over the last minutes. */
import type { JSX } from 'preact';
import { useMemo } from 'preact/hooks';
import type uPlot from 'uplot';
import type { Moment } from '@watchword/dashboard';
import { CHART_FONT, Chart, type ChartColours } from '../chart/chart.tsx';
import { count, rate, text } from '../format.ts';
import { seriesOf } from './traffic.ts';

/** The shortest time shown, and what a longer one is a multiple of. */
const SPAN_SECONDS = 60;

/** Whole requests between the lines of the grid: 1, 2, 5, 10, ... */
const INCREMENTS = [1, 10, 100, 1_000, 10_000, 100_000].flatMap((size) => [size, 2 * size, 5 * size]);

/** The chart. */
export function TrafficChart({ moments, nowMs }: { readonly moments: readonly Moment[]; readonly nowMs: number }): JSX.Element {
  const data = useMemo(() => seriesOf(moments, nowMs), [moments]);
  const [, requests, checks] = data;
  const label = `Requests and signature checks per second over the last minutes. Now ${text(rate(last(requests)))} and ${text(rate(last(checks)))}.`;
  return (
    <figure class="traffic">
      <figcaption>
        <h2>Traffic</h2>
        <ul class="legend">
          <li class="is-soft">requests per second</li>
          <li class="is-accent">signature checks per second</li>
        </ul>
      </figcaption>
      <Chart height={200} options={options} data={data} label={label} />
    </figure>
  );
}

function ago(seconds: number): string {
  if (seconds === 0) return 'now';
  return seconds % 60 === 0 ? `−${-seconds / 60} min` : `−${-seconds} s`;
}

function last(values: readonly (number | null | undefined)[]): number | undefined {
  return values.at(-1) ?? undefined;
}

function options({ soft, line, accent }: ChartColours): Omit<uPlot.Options, 'width' | 'height'> {
  const axis = { stroke: soft, font: CHART_FONT, ticks: { show: false } };
  return {
    legend: { show: false },
    cursor: { show: false },
    padding: [8, 12, 0, 0],
    scales: {
      x: { time: false, range: (_chart, low) => [-SPAN_SECONDS * Math.max(1, Math.ceil(-(low ?? 0) / SPAN_SECONDS)), 0] },
      y: { range: (_chart, _low, high) => [0, Math.max(1, (high ?? 0) * 1.15)] },
    },
    axes: [
      {
        ...axis,
        grid: { show: false },
        size: 32,
        splits: (_chart, _axis, low) => Array.from({ length: 5 }, (_, index) => (low * (4 - index)) / 4),
        values: (_chart, splits) => splits.map(ago),
      },
      {
        ...axis,
        size: 60,
        gap: 10,
        incrs: INCREMENTS,
        grid: { stroke: line, width: 1 },
        values: (_chart, splits) => splits.map((value) => (Number.isInteger(value) ? `${count(value)}/s` : '')),
      },
    ],
    series: [
      {},
      { stroke: soft, width: 1.5, points: { show: false } },
      { stroke: accent, width: 2, fill: `${accent}22`, points: { show: false } },
    ],
  };
}
