/** Figures as text: always with a unit, always in the same width where they change. */

/** Stands where nothing is known. */
export const UNKNOWN = '–';

/** A number with its unit apart, so that a page can set the two differently. */
export interface Quantity {
  readonly value: string;
  readonly unit: string;
}

const plain = (digits: number): Intl.NumberFormat =>
  new Intl.NumberFormat('en-US', { minimumFractionDigits: digits, maximumFractionDigits: digits });
const WHOLE = plain(0);
const ONE = plain(1);
const TWO = plain(2);
const THREE = plain(3);
const SMALL = new Intl.NumberFormat('en-US', { minimumSignificantDigits: 2, maximumSignificantDigits: 2 });

/** Three significant digits or more, and of small numbers two: 0.00052, 0.021, 0.125, 31.4, 1,204. */
export function number(value: number): string {
  const size = Math.abs(value);
  if (size >= 100 || value === 0) return WHOLE.format(value);
  if (size >= 10) return ONE.format(value);
  if (size >= 0.1) return (size >= 1 ? TWO : THREE).format(value);
  return SMALL.format(value);
}

/** A count. */
export function count(value: number | undefined): string {
  return value === undefined ? UNKNOWN : WHOLE.format(value);
}

/** A count and what is counted. */
export function countOf(value: number, one: string): string {
  return `${count(value)} ${one}${value === 1 ? '' : 's'}`;
}

/** Per second. */
export function rate(value: number | undefined): Quantity {
  return {
    value: value === undefined ? UNKNOWN : value >= 100 || value === 0 ? WHOLE.format(value) : ONE.format(value),
    unit: '/s',
  };
}

/** A share from 0 to 1. Never rounded up to 100 %. */
export function percent(share: number | undefined): Quantity {
  if (share === undefined) return { value: UNKNOWN, unit: '%' };
  const value = share * 100;
  return { value: ONE.format(value < 100 ? Math.min(value, 99.9) : value), unit: '%' };
}

/** Octets in decimal units. */
export function bytes(value: number | undefined): Quantity {
  return scaled(value, 1000, ['B', 'kB', 'MB', 'GB', 'TB']);
}

/** A short time, given in seconds. */
export function latency(seconds: number | undefined): Quantity {
  if (seconds === undefined) return { value: UNKNOWN, unit: 'ms' };
  if (seconds < 0.001) return { value: number(seconds * 1e6), unit: 'µs' };
  return seconds < 1 ? { value: number(seconds * 1e3), unit: 'ms' } : { value: number(seconds), unit: 's' };
}

/** A long time in its two largest units: 45 s, 12 min, 3 h 20 min, 5 d 2 h. */
export function duration(seconds: number | undefined): string {
  if (seconds === undefined) return UNKNOWN;
  const total = Math.round(Math.abs(seconds));
  const sign = seconds < 0 ? '−' : '';
  if (total < 60) return `${sign}${total} s`;
  if (total < 3_600) return `${sign}${Math.floor(total / 60)} min`;
  if (total < 86_400) return `${sign}${Math.floor(total / 3_600)} h ${Math.floor((total % 3_600) / 60)} min`;
  return `${sign}${Math.floor(total / 86_400)} d ${Math.floor((total % 86_400) / 3_600)} h`;
}

/** Users, requests: 100, 10 k, 1 M. */
export function compact(value: number): string {
  const { value: digits, unit } = scaled(value, 1000, ['', 'k', 'M', 'G'], true);
  return unit === '' ? digits : `${digits} ${unit}`;
}

/** Users, requests: exact up to a million, then 1.2 M. */
export function large(value: number): string {
  return value < 1e6 ? (value < 10 ? number(value) : WHOLE.format(value)) : compact(value);
}

/** A quantity as one text. */
export function text({ value, unit }: Quantity): string {
  return unit === '/s' ? `${value}/s` : `${value} ${unit}`.trimEnd();
}

function scaled(value: number | undefined, step: number, units: readonly string[], isShort = false): Quantity {
  if (value === undefined) return { value: UNKNOWN, unit: units[0]! };
  let [rest, index] = [value, 0];
  while (rest >= step && index < units.length - 1) {
    rest /= step;
    index += 1;
  }
  return { value: index === 0 || (isShort && Number.isInteger(rest)) ? WHOLE.format(rest) : number(rest), unit: units[index]! };
}
