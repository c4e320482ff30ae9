/** A chart drawn by uPlot in the colours of the page. */
import type { JSX } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';

/** Colours of the page, as it looks now. */
export interface ChartColours {
  readonly ink: string;
  readonly soft: string;
  readonly line: string;
  readonly accent: string;
  readonly paper: string;
}

/** What to draw. */
export interface ChartProps {
  readonly height: number;
  /** Everything but size: made anew when the colours change. */
  readonly options: (colours: ChartColours) => Omit<uPlot.Options, 'width' | 'height'>;
  readonly data: uPlot.AlignedData;
  /** What it shows, for those who don't see it. */
  readonly label: string;
}

/** Font of axes and labels: canvases know nothing of style sheets. */
export const CHART_FONT = '12px ui-sans-serif, system-ui, sans-serif';

/** A chart as wide as its place. */
export function Chart({ height, options, data, label }: ChartProps): JSX.Element {
  const place = useRef<HTMLDivElement>(null);
  const chart = useRef<uPlot | undefined>(undefined);
  useEffect(() => {
    const element = place.current!;
    const draw = (): void => {
      chart.current?.destroy();
      const width = element.clientWidth;
      chart.current = new uPlot({ ...options(coloursOf(element)), width, height }, data, element);
    };
    draw();
    const resized = new ResizeObserver(() => {
      if (element.clientWidth !== chart.current?.width) chart.current?.setSize({ width: element.clientWidth, height });
    });
    resized.observe(element);
    const scheme = matchMedia('(prefers-color-scheme: dark)');
    scheme.addEventListener('change', draw);
    return () => {
      resized.disconnect();
      scheme.removeEventListener('change', draw);
      chart.current?.destroy();
      chart.current = undefined;
    };
  }, [options, height]);
  useEffect(() => chart.current?.setData(data), [data]);
  return <div class="chart" role="img" aria-label={label} ref={place} style={{ height: `${height}px` }} />;
}

function coloursOf(element: Element): ChartColours {
  const style = getComputedStyle(element);
  const colour = (name: string): string => style.getPropertyValue(`--${name}`).trim();
  return { ink: colour('ink'), soft: colour('soft'), line: colour('line'), accent: colour('accent'), paper: colour('paper') };
}
