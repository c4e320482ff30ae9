/** Metrics that are read from plain counters at each scrape. */
import type { MetricValueWithName } from 'prom-client';

/** The values of one metric. */
export type Values = MetricValueWithName<string>[];

/** Adds one metric whose values are read at each scrape. */
export type Add = (type: string, name: string, help: string, values: () => Values) => void;
/** Adds a counter without labels. */
export type Total = (name: string, help: string, value: () => number) => void;

/** A metric without state of its own. */
export class ScrapedMetric {
  readonly type: string;
  readonly name: string;
  readonly help: string;
  readonly #values: () => Values;

  constructor(type: string, name: string, help: string, values: () => Values) {
    this.type = type;
    this.name = name;
    this.help = help;
    this.#values = values;
  }

  // What the registry formats; its types say more than it reads.
  async get(): Promise<object> {
    const { name, help, type } = this;
    return { name, help, type, aggregator: 'sum', values: this.#values() };
  }
}

/** One value without labels. */
export function plain(value: number): MetricValueWithName<string> {
  return labelled({}, value);
}

/** One value with labels. */
export function labelled(labels: Record<string, string>, value: number, metricName?: string): MetricValueWithName<string> {
  return { labels, value, ...(metricName === undefined ? {} : { metricName }) };
}
