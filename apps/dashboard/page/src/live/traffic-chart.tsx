/** Requests and signature checks over the last minutes. */
import type { JSX } from 'preact';
import { useMemo } from 'preact/hooks';
import type uPlot from 'uplot';
import type { Moment } from '@watchword/dashboard';
import { CHART_FONT, Chart, type ChartColours } from '../chart/chart.tsx';
import { count, rate, text } from '../format.ts';

const SPAN_SECONDS = 300;

/** The chart. */
export function TrafficChart({ moments, nowMs }: { readonly moments: readonly Moment[]; readonly nowMs: number }): JSX.Element {
  const data = useMemo(() => seriesOf(moments, nowMs), [moments]);
  const [, requests, checks] = data;
  const label = `Requests and signature checks per second over the last five minutes. Now ${text(rate(last(requests)))} and ${text(rate(last(checks)))}.`;
  return (
    <figure class="traffic">
      <figcaption>
        <h2>Last five minutes</h2>
        <ul class="legend">
          <li class="is-soft">requests per second</li>
          <li class="is-accent">signature checks per second</li>
        </ul>
      </figcaption>
      <Chart height={200} options={options} data={data} label={label} />
    </figure>
  );
}

/** Seconds before now, and rates between neighbouring moments. */
export function seriesOf(moments: readonly Moment[], nowMs: number): [number[], number[], number[]] {
  const end = moments.at(-1)?.atMs ?? nowMs;
  const pairs = moments.slice(1).map((now, index) => ({ now, before: moments[index]! }));
  const perSecond = (of: 'requests' | 'signatureChecks'): number[] =>
    pairs.map(({ now, before }) => (Math.max(0, now[of] - before[of]) * 1000) / Math.max(1, now.atMs - before.atMs));
  return [pairs.map(({ now }) => (now.atMs - end) / 1000), perSecond('requests'), perSecond('signatureChecks')];
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
      x: { time: false, range: [-SPAN_SECONDS, 0] },
      y: { range: (_chart, _low, high) => [0, Math.max(1, (high ?? 0) * 1.15)] },
    },
    axes: [
      {
        ...axis,
        grid: { show: false },
        splits: () => [-300, -240, -180, -120, -60, 0],
        values: (_chart, splits) => splits.map((seconds) => (seconds === 0 ? 'now' : `${seconds / 60} min`.replace('-', '−'))),
      },
      {
        ...axis,
        size: 64,
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
