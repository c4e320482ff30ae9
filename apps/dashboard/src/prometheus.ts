/** Reads the Prometheus text format (version 0.0.4): names, labels, values. */

/** One line of it. */
export interface Series {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

const LINE = /^([A-Za-z_:][\w:]*)(?:\{(.*)\})?\s+(\S+)(?:\s+-?\d+)?$/;
const LABEL = /([A-Za-z_]\w*)="((?:[^"\\]|\\.)*)"/g;
const ESCAPES: Readonly<Record<string, string>> = { '\\n': '\n', '\\"': '"', '\\\\': '\\' };

/** All series of a text, in its order. Lines that are none, comments included, are passed over. */
export function parseMetrics(text: string): Series[] {
  return text.split('\n').flatMap((line) => {
    const match = LINE.exec(line.trim());
    if (match === null) return [];
    const [, name, labels, value] = match as unknown as [string, string, string | undefined, string];
    return [{ name, labels: parseLabels(labels ?? ''), value: toNumber(value) }];
  });
}

function parseLabels(text: string): Record<string, string> {
  return Object.fromEntries(
    [...text.matchAll(LABEL)].map(([, name, value]) => [name!, value!.replace(/\\./g, (pair) => ESCAPES[pair] ?? pair)]),
  );
}

function toNumber(text: string): number {
  if (text === '+Inf') return Number.POSITIVE_INFINITY;
  return text === '-Inf' ? Number.NEGATIVE_INFINITY : Number(text);
}
